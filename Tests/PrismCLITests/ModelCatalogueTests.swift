import Prism
import PrismReport
import PrismFiles
import PrismReport
import PrismTestSupport
import PrismSmallModels
import Testing

@testable import PrismCLI

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite("where models are found")
struct ModelCatalogueTests {
  @Test("the option, the environment, the working folder, the installation, in this order")
  func order() {
    let catalogue = ModelCatalogue(
      explicit: "mine", environment: ["PRISM_WEIGHTS": "/a:/b::mine"], workingFolder: "/home/u",
      executable: "/opt/prism/bin/prism")
    #expect(
      catalogue.places.map(\.path)
        == ["mine", "/a", "/b", "/home/u/Weights", "/opt/prism/share/prism/weights"])
    #expect(
      catalogue.places.map(\.origin)
        == [.option, .environment, .environment, .workingFolder, .installation])
    let plain = ModelCatalogue(explicit: nil, environment: [:], executable: nil)
    #expect(plain.places.map(\.path) == ["Weights"])
    #expect(
      ModelCatalogue(explicit: nil, environment: [:], executable: "/bin/prism").places.map(\.path)
        == ["Weights", "/share/prism/weights"])
  }

  /// Makes folders with empty files: `folder/place/name.safetensors`.
  private func make(_ files: [String], in folder: String) throws {
    for file in files {
      let parent = "\(folder)/\(file.split(separator: "/").dropLast().joined(separator: "/"))"
      try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
      try AtomicFile.write("", to: "\(folder)/\(file).safetensors")
    }
  }

  @Test("of models with the same name the first place's is taken")
  func first() throws {
    try Repository.withFolder { folder in
      try make(["a/dogs", "b/dogs", "b/cats", "work/Weights/birds", "work/Weights/.h"], in: folder)
      let catalogue = ModelCatalogue(
        explicit: nil, environment: ["PRISM_WEIGHTS": "\(folder)/none:\(folder)/a:\(folder)/b"],
        workingFolder: folder + "/work", executable: nil)
      let entries = try catalogue.entries()
      #expect(entries.map(\.name) == ["birds", "cats", "dogs"])
      #expect(try catalogue.file("dogs") == folder + "/a/dogs.safetensors")
      #expect(entries.last?.hidden == [folder + "/b/dogs.safetensors"])
      #expect(try catalogue.file("birds") == folder + "/work/Weights/birds.safetensors")
      // Paths are taken as they are.
      #expect(try catalogue.file("./x") == "./x")
      #expect(try catalogue.file("x.safetensors") == "x.safetensors")
    }
  }

  @Test("errors name all places that were searched, and the nearest name")
  func errors() throws {
    try Repository.withFolder { folder in
      try make(["a/dogs"], in: folder)
      func message(_ name: String, _ catalogue: ModelCatalogue) -> String {
        do { return try catalogue.file(name) } catch { return "\(error)" }
      }
      let catalogue = ModelCatalogue(
        explicit: nil, environment: ["PRISM_WEIGHTS": folder + "/a"], workingFolder: folder,
        executable: "/nowhere/bin/prism")
      let unknown = message("dog", catalogue)
      for part in [
        "\(folder)/a, \(folder)/Weights, /nowhere/share/prism/weights", "did you mean dogs?",
      ] {
        #expect(unknown.contains(part), "\(unknown)")
      }
      let none = message(
        "dogs",
        ModelCatalogue(
          explicit: nil, environment: [:], workingFolder: folder + "/b",
          executable: "/nowhere/bin/prism"))
      #expect(none.contains("\(folder)/b/Weights, /nowhere/share/prism/weights"))
      // A folder that the user names must be there.
      let named = message(
        "dogs",
        ModelCatalogue(
          explicit: folder + "/c", environment: ["PRISM_WEIGHTS": folder + "/a"],
          executable: nil))
      #expect(named.contains("no folder of weights at \(folder)/c"))
    }
  }

  @Test("prism models says where each is, and which files are hidden by others")
  func command() throws {
    try Repository.withFolder { folder in
      try FileManager.default.createDirectory(
        atPath: folder + "/w", withIntermediateDirectories: true)
      let path = folder + "/w/small.safetensors"
      try AtomicFile.write(try Files.read(SmallModel.softmax), to: path)
      let outcome = Outcome("models", "--weights", folder + "/w")
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      #expect(
        outcome.output.split(separator: "\n").contains {
          $0.hasPrefix("small ") && $0.hasSuffix("  \(path)")
        })
      let json = try JSONReader.parse(
        Outcome("models", "--weights", folder + "/w", "--json").output)
      #expect(json["models"]?.elements.contains { $0["file"] == .string(path) } == true)
    }
  }
}
