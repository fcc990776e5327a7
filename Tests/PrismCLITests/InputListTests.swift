import Prism
import PrismReport
import PrismFiles
import PrismTestSupport
import PrismSmallModels
import Testing

@testable import PrismCLI

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("folders as inputs")
struct InputListTests {
  private func with(_ files: [String], _ body: (String) throws -> Void) throws {
    try Repository.withFolder { folder in
      for file in files {
        let parent = ([folder] + file.split(separator: "/").dropLast().map(String.init))
          .joined(separator: "/")
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        try AtomicFile.write("", to: "\(folder)/\(file)")
      }
      try body(folder)
    }
  }

  @Test("a folder is its pictures or its sounds, sorted, without hidden ones; the others are named")
  func kinds() throws {
    try with(["b.PNG", "a.jpeg", ".c.png", "d.wav", "notes.txt", "sub/e.png"]) { folder in
      let pictures = InputList([folder + "/"], kind: .pictures, isRecursive: false)
      #expect(pictures.files == ["\(folder)/a.jpeg", "\(folder)/b.PNG"])
      #expect(pictures.failures.isEmpty && pictures.notes.count == 1)
      #expect(pictures.notes[0].contains("2 files") && pictures.notes[0].contains("notes.txt"))
      let sounds = InputList([folder], kind: .sounds, isRecursive: true)
      #expect(sounds.files == ["\(folder)/d.wav"])
      let all = InputList([folder], kind: .pictures, isRecursive: true)
      #expect(all.files == ["\(folder)/a.jpeg", "\(folder)/b.PNG", "\(folder)/sub/e.png"])
    }
  }

  @Test("a folder gives everything that is read, by any of its usual names")
  func allExtensions() throws {
    for (kind, extensions) in [
      (InputList.Kind.pictures, PictureFormat.allExtensions),
      (.sounds, SoundFormat.allExtensions),
    ] {
      try with(extensions.map { "a.\($0)" } + ["b.txt"]) { folder in
        let list = InputList([folder], kind: kind, isRecursive: false)
        #expect(Set(list.files) == Set(extensions.map { "\(folder)/a.\($0)" }))
        #expect(list.notes.count == 1 && list.notes[0].contains("1 file"))
      }
    }
    #expect(Set(["opus", "m4a", "mka", "wav"]).isSubset(of: SoundFormat.allExtensions))
  }

  @Test("the server's page offers the same names of files")
  func page() throws {
    let path = Repository.root + "Sources/PrismPage/Files/media.js"
    let text = String(decoding: try Files.read(path), as: UTF8.self)
    for (name, extensions) in [
      ("image", PictureFormat.allExtensions), ("audio", SoundFormat.allExtensions),
    ] {
      let list = try #require(text.split(separator: "  \(name): [").dropFirst().first)
      let parts = list.prefix { $0 != "]" }.split(separator: "\"", omittingEmptySubsequences: false)
      let names = parts.indices.filter { $0 % 2 == 1 }.map { String(parts[$0]) }
      #expect(Set(names) == Set(extensions))
    }
  }

  @Test("files are taken as they are named, in their order, whatever they are called")
  func files() throws {
    try with(["z.png", "in/a.png"]) { folder in
      let named = ["none.txt", folder + "/z.png", folder + "/in"]
      let list = InputList(named, kind: .pictures, isRecursive: false)
      #expect(list.files == ["none.txt", folder + "/z.png", folder + "/in/a.png"])
    }
  }

  @Test("a folder without pictures says what it holds")
  func nothing() throws {
    try with(["a.txt", "sub/b.png"]) { folder in
      let list = InputList([folder], kind: .pictures, isRecursive: false)
      #expect(list.files.isEmpty && list.failures.count == 1)
      let text = "\(list.failures[0].error)"
      for part in ["no pictures", "a.txt", "--recursive"] {
        #expect(text.contains(part), "\(text)")
      }
      let outcome = Outcome("classify", folder, "--model", SmallModel.softmax)
      outcome.expectFailure("no pictures")
    }
  }

  @Test("circles of links end, and links that lead nowhere are no files")
  func links() throws {
    try with(["a.png", "sub/b.png"]) { folder in
      let manager = FileManager.default
      try manager.createSymbolicLink(
        atPath: folder + "/sub/up", withDestinationPath: folder)
      try manager.createSymbolicLink(
        atPath: folder + "/self.png", withDestinationPath: folder + "/self.png")
      try manager.createSymbolicLink(
        atPath: folder + "/other", withDestinationPath: folder + "/sub")
      let list = InputList([folder], kind: .pictures, isRecursive: true)
      #expect(list.files.count == 2 && list.failures.isEmpty)
      #expect(list.notes.count == 1 && list.notes[0].contains("self.png"))
      #expect(list.notes[0].contains("1 name that leads to no file"))
      // A file that is its own link is an error of one line.
      Outcome("classify", folder + "/self.png", "--model", SmallModel.softmax)
        .expectFailure("self.png")
    }
  }

  @Test("what an earlier run wrote into a folder is not explained by the next one")
  func results() throws {
    let others = [
      "c.lime.png", "hostile.rise.png", "hostile.json", "list.rise.png", "list.json",
    ]
    try with(others) { folder in
      try AtomicFile.write("{\"files\": 3", to: folder + "/hostile.json")
      try AtomicFile.write("{\"files\": [3, {}]}", to: folder + "/list.json")
      for name in ["a", "b"] {
        try FileManager.default.copyItem(
          atPath: Repository.samples + "husky.png", toPath: "\(folder)/\(name).png")
      }
      func explained(_ arguments: String...) -> Outcome {
        Outcome(
          ["explain"] + arguments + ["--model", SmallModel.softmax, "--method", "gradcam,hirescam"])
      }
      let pictures = [folder + "/a.png", folder + "/b.png"]
      let outcome = explained(pictures[0], pictures[1], "--output", folder)
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      _ = explained(pictures[0], "--output", folder + "/out")
      // What no document names may be somebody's input.
      let inputs = (pictures + others.filter { $0.hasSuffix(".png") }.map { "\(folder)/\($0)" })
        .sorted()
      let list = InputList([folder], kind: .pictures, isRecursive: true)
      #expect(list.files == inputs)
      let notes = list.notes.filter { $0.contains("an earlier run wrote") }
      #expect(notes.count == 1 && notes[0].contains("6 files"), "\(list.notes)")
      // Who names one means it.
      let named = InputList([folder + "/a.gradcam.png"], kind: .pictures, isRecursive: false)
      #expect(named.files.count == 1)
    }
    try with([]) { folder in
      _ = Outcome(
        "explain", Repository.samples + "husky.png", "--model", SmallModel.softmax, "--method",
        "gradcam", "--output", folder)
      Outcome("classify", folder, "--model", SmallModel.softmax).expectFailure("husky.gradcam.png")
    }
  }

  @Test("a pipe in a folder, whose end nobody knows, is no picture")
  func pipes() throws {
    try with(["a.png"]) { folder in
      try #require(mkfifo(folder + "/b.png", 0o600) == 0)
      let list = InputList([folder], kind: .pictures, isRecursive: false)
      #expect(list.files == ["\(folder)/a.png"])
      #expect(list.notes.count == 1 && list.notes[0].contains("b.png"))
    }
  }

  @Test("a folder is explained into out, one result a picture")
  func command() throws {
    try with([]) { folder in
      for name in ["b", "a"] {
        try Image(width: 9, height: 7, filledWith: RGB(200, 30, 90)).write(
          to: "\(folder)/\(name).png")
      }
      let outcome = Outcome(
        "explain", folder, "--model", SmallModel.softmax, "--output", folder + "/results",
        "--format", "npy")
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      #expect(
        Repository.names(in: folder + "/results").filter { $0.hasSuffix("npy") }
          == ["a.gradcam.npy", "b.gradcam.npy"])
    }
  }
}
