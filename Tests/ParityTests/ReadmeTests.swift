// The library's snippet in README.md, word for word: `snippet()` compiles it, and the test compares
// the text.

import Prism
import PrismTestSupport
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite("README", .serialized)
struct ReadmeTests {
  private func snippet() {
    // swift-format-ignore
    do {
do {
  let model = try Model(contentsOf: "Weights/dogs.safetensors")
  let image = try Image(contentsOf: "Samples/husky.png")
  let prediction = try model.predict(image)                       // labels, logits, probabilities
  let map = try model.explain(image, with: GradCAM(), target: prediction.top)
  try map.overlay(on: image).write(to: "husky.gradcam.png")
} catch {
  print(error)                                                    // one line: what is wrong, what to do
}
    }
  }

  @Test("the snippet is compiled word for word")
  func text() throws {
    let readme = String(decoding: try Files.read(Repository.root + "README.md"), as: UTF8.self)
    let source = String(decoding: try Files.read(#filePath), as: UTF8.self)
    let parts = readme.components(separatedBy: "```swift\nimport Prism\n\n")
    try #require(parts.count == 2)
    let block = try #require(parts[1].components(separatedBy: "```").first)
    #expect(block.split(separator: "\n").count == 9)
    #expect(source.contains(block))
  }

  @Test("where the file is missing, the snippet prints one line")
  func missing() {
    #expect {
      try Model(contentsOf: "/nowhere/dogs.safetensors")
    } throws: { error in
      "\(error)".contains("dogs.safetensors") && !"\(error)".contains("\n")
        && !"\(error)".contains("notFound")
    }
  }

  @Test("the snippet runs", .enabled(if: Repository.hasDogs))
  func run() throws {
    // The snippet's paths are relative; the process's folder is restored afterwards.
    let manager = FileManager.default
    let before = manager.currentDirectoryPath
    try Repository.withFolder { folder in
      for name in ["Weights", "Samples"] {
        try manager.createSymbolicLink(
          atPath: "\(folder)/\(name)", withDestinationPath: Repository.root + name)
      }
      try #require(manager.changeCurrentDirectoryPath(folder))
      defer { _ = manager.changeCurrentDirectoryPath(before) }
      snippet()
      let picture = try Image(contentsOf: "\(folder)/husky.gradcam.png")
      #expect(picture.width > 480 && picture.height > 480)
    }
  }
}
