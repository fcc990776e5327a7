import Prism
import PrismReport
import PrismTestSupport
import Synchronization
import Testing

@testable import PrismCLI

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What a command printed and how it ended.
struct Outcome {
  let status: Status
  let output: String
  let diagnostics: String

  /// Runs `prism` with the given arguments in this process.
  init(_ arguments: String...) {
    self.init(arguments)
  }

  /// Runs `prism` with the given arguments in this process.
  init(_ arguments: [String]) {
    let texts = Texts()
    status = PrismCommand.run(
      arguments,
      console: Console(
        output: { text in texts.output.withLock { $0 += text } },
        diagnostics: { text in texts.diagnostics.withLock { $0 += text } }))
    output = texts.output.withLock { $0 }
    diagnostics = texts.diagnostics.withLock { $0 }
  }

  private final class Texts: Sendable {
    let output = Mutex("")
    let diagnostics = Mutex("")
  }

  /// Expects a failure of one line that contains the given words.
  func expectFailure(
    _ words: String..., status: Status = .failed, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(self.status == status, "\(diagnostics)", sourceLocation: sourceLocation)
    #expect(output == "", sourceLocation: sourceLocation)
    let lines = diagnostics.split(separator: "\n")
    #expect(lines.count == 1, "\(diagnostics)", sourceLocation: sourceLocation)
    for word in words {
      #expect(
        diagnostics.contains(word), "\(diagnostics) lacks \(word)", sourceLocation: sourceLocation)
    }
  }
}

private let husky = Repository.samples + "husky.png"
private let dogs = Repository.weights + "dogs.safetensors"

@Suite("help and usage")
struct UsageTests {
  @Test("help names the commands and goes to standard output", arguments: ["--help", "help"])
  func help(_ word: String) {
    let outcome = Outcome(word)
    #expect(outcome.status == .done && outcome.diagnostics == "")
    for command in [
      "models", "layers", "classify", "explain", "compare", "dataset", "train", "evaluate",
    ] {
      #expect(outcome.output.contains("  \(command)"))
    }
  }

  @Test("the version is printed", arguments: ["--version", "version"])
  func version(_ word: String) {
    #expect(Outcome(word).output == "0.1.0\n")
  }

  @Test("wrong usage has the status 2")
  func usage() {
    for outcome in [
      Outcome("explain"), Outcome("explain", "a.png"), Outcome("compare", "--model", "dogs"),
      Outcome("classify", "a.png"), Outcome("paint"),
      Outcome("explain", "a.png", "--model", "m", "--output", "o", "--method", "tea"),
      Outcome("explain", "a.png", "--model", "m", "--output", "o", "--format", "tiff"),
      Outcome("classify", "a.png", "--model", "m", "--threads", "0"),
    ] {
      #expect(outcome.status == .wrongUsage, "\(outcome.diagnostics)")
      #expect(outcome.output == "" && outcome.diagnostics.contains("Error:"))
    }
  }

  @Test("without a weights folder the error says what to do")
  func noFolder() {
    Outcome("models", "--weights", "/nonexistent").expectFailure("/nonexistent", "--weights")
    Outcome("layers", "dogs", "--weights", "/nonexistent").expectFailure("/nonexistent")
  }
}

@Suite("the command", .enabled(if: Repository.hasDogs, "Tools/fetch_weights.py fetches the model"))
struct CommandTests {
  @Test("models lists the model")
  func models() {
    let outcome = Outcome("models", "--weights", Repository.weights)
    #expect(outcome.status == .done)
    #expect(outcome.output.contains("dogs") && outcome.output.contains("mobilenet_v2"))
    #expect(Outcome("models", "--weights", Repository.weights, "--json").output.contains("\"pug\""))
  }

  @Test("layers lists every value and marks the default")
  func layers() {
    let outcome = Outcome("layers", dogs)
    #expect(outcome.status == .done)
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.contains { $0.hasPrefix("*") && $0.contains("features.18 ") })
    #expect(lines.contains { $0.contains("features.2.conv.1.0 ") && $0.contains("1×40×40×96") })
    #expect(lines.contains { $0.contains("logits") && $0.contains("1×19") })
    #expect(!outcome.output.contains("weight"))
  }

  @Test("classify prints the five most probable labels, and all of them as JSON")
  func classify() throws {
    let outcome = Outcome("classify", husky, "--model", dogs)
    #expect(outcome.output.split(separator: "\n").count == 5)
    #expect(outcome.output.hasPrefix(" 99.82 %  Siberian husky"))
    let json = try JSONReader.parse(Outcome("classify", husky, "--model", dogs, "--json").output)
    #expect(json.description.components(separatedBy: "\"logit\"").count == 20)
  }

  @Test("explain writes a picture, an array and a document")
  func explain() throws {
    try Repository.withFolder { folder in
      let out = folder + "/new/out"
      let outcome = Outcome(
        "explain", husky, "--model", dogs, "--method", "gradcam", "--output", out)
      #expect(outcome.status == .done && outcome.diagnostics == "")
      #expect(
        Repository.names(in: out) == ["husky.gradcam.npy", "husky.gradcam.png", "husky.json"])
      #expect(try ArrayFile.tensor(contentsOf: out + "/husky.gradcam.npy").shape == [160, 160])
      let json = try JSONReader.parse(
        String(decoding: try Files.read(out + "/husky.json"), as: UTF8.self)
      ).description
      for part in [
        "\"prism\":\"0.1.0\"", "\"architecture\":\"mobilenet_v2\"", "\"method\":\"gradcam\"",
        "\"layer\":\"features.18\"", "\"png\":\"husky.gradcam.png\"", "\"evaluations\":1",
      ] {
        #expect(json.contains(part), "\(part)")
      }
    }
  }

  @Test("two runs write the same bytes")
  func determinism() throws {
    try Repository.withFolder { folder in
      for (run, threads, batch) in [("a", "1", "33"), ("b", "2", "1")] {
        let outcome = Outcome(
          "explain", husky, "--model", dogs, "--method", "gradcam,lime,shap,ig", "--samples", "20",
          "--segments", "slic:8", "--output", "\(folder)/\(run)", "--threads", threads, "--batch",
          batch)
        #expect(outcome.status == .done, "\(outcome.diagnostics)")
      }
      for name in ["gradcam.npy", "gradcam.png", "lime.npy", "shap.npy", "ig.npy"].map({
        "husky.\($0)"
      }) {
        let (a, b) = (try Files.read("\(folder)/a/\(name)"), try Files.read("\(folder)/b/\(name)"))
        #expect(a == b)
      }
    }
  }

  @Test(
    "targets by label, index, rank and all",
    arguments: [
      ("pug", 1, "husky.gradcam.npy"), ("14", 1, "husky.gradcam.npy"),
      ("top3", 3, "husky.gradcam.Siberian_husky.npy"), ("all", 19, "husky.gradcam.toy_poodle.npy"),
    ])
  func targets(_ target: String, count: Int, name: String) throws {
    try Repository.withFolder { folder in
      let outcome = Outcome(
        "explain", husky, "--model", dogs, "--target", target, "--output", folder, "--format",
        "npy")
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      let names = Repository.names(in: folder)
      #expect(names.count == count + 1 && names.contains(name) && names.contains("husky.json"))
    }
  }

  @Test("a batch goes on past a bad file, and equal names do not collide")
  func batch() throws {
    try Repository.withFolder { folder in
      let bad = folder + "/bad.png"
      try AtomicFile.write("no picture", to: bad)
      let copy = folder + "/husky.png"
      try AtomicFile.write(try Files.read(husky), to: copy)
      let outcome = Outcome(
        "explain", husky, bad, copy, "--model", dogs, "--output", folder + "/out")
      #expect(outcome.status == .someInputsFailed)
      #expect(outcome.diagnostics.split(separator: "\n").count == 1)
      #expect(outcome.diagnostics.contains("bad.png"))
      #expect(
        Repository.names(in: folder + "/out").filter { $0.hasSuffix("json") }
          == ["husky-2.json", "husky.json"])
    }
  }

  @Test("bad input is one line, the status 1, and nothing written")
  func badInput() throws {
    try Repository.withFolder { folder in
      let out = folder + "/out"
      func explain(_ input: String, model: String = dogs, _ more: String...) -> Outcome {
        // Swift has no splatting of variadic arguments.
        more.isEmpty
          ? Outcome("explain", input, "--model", model, "--output", out)
          : Outcome("explain", input, "--model", model, "--output", out, more[0], more[1])
      }
      func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = "\(folder)/\(name)"
        try AtomicFile.write(bytes, to: path)
        return path
      }
      let picture = try Files.read(husky)
      explain(try file("text.png", Array("hello".utf8))).expectFailure("text.png", "PNG, JPEG")
      explain(try file("half.png", Array(picture.prefix(picture.count / 2))))
        .expectFailure("half.png", "cut off")
      var huge = picture
      for offset in [16, 20] {
        huge.replaceSubrange(offset..<offset + 4, with: [0, 0, 0x75, 0x30])
      }
      explain(try file("huge.png", huge)).expectFailure("huge.png")
      explain(folder + "/none.png").expectFailure("none.png", "no such file")

      explain(husky, "--target", "Siberian huski").expectFailure("did you mean Siberian husky?")
      explain(husky, "--target", "19").expectFailure("19")
      explain(husky, "--target", "above-threshold").expectFailure("threshold")
      explain(husky, "--layer", "features.81").expectFailure("did you mean features.")
      explain(husky, "--layer", "logits").expectFailure("logits", "rows and columns")
      explain(husky, model: "dog", "--weights", Repository.weights)
        .expectFailure("did you mean dogs?")
      #expect(Repository.names(in: out) == [])

      let weights = try Files.read(dogs)
      explain(husky, model: try file("half.safetensors", Array(weights.prefix(weights.count / 2))))
        .expectFailure("half.safetensors", "cut off")
      var renamed = weights
      let name = Array("features.0.0.weight".utf8)
      let start = try #require(weights.firstIndex(of: name))
      renamed[start + name.count - 1] = UInt8(ascii: "s")
      explain(husky, model: try file("renamed.safetensors", renamed))
        .expectFailure("features.0.0.weight", "features.0.0.weighs")
      let longHeader = [0, 0, 0, 0, 0, 0, 0, 0x80] + Array(weights.dropFirst(8))
      explain(husky, model: try file("long.safetensors", longHeader))
        .expectFailure("long.safetensors", "header")
      let nan = Array(weights.dropLast(4)) + [0, 0, 0xC0, 0x7F]
      explain(husky, model: try file("nan.safetensors", nan)).expectFailure("nan.safetensors")

      let blocked = try file("blocked", [])
      Outcome("explain", husky, "--model", dogs, "--output", blocked).expectFailure("blocked")
      Outcome("explain", husky, "--model", dogs, "--output", "/proc/prism").expectFailure("/proc")
    }
  }

  @Test(
    "pictures of any size and kind are explained",
    arguments: [(1, 1), (1, 300), (700, 2), (20, 20)])
  func sizes(width: Int, height: Int) throws {
    try Repository.withFolder { folder in
      let path = folder + "/a.png"
      try Image(width: width, height: height, filledWith: RGB(200, 30, 90)).write(to: path)
      let outcome = Outcome("explain", path, "--model", dogs, "--output", folder + "/out")
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      #expect(Repository.names(in: folder + "/out").count == 3)
    }
  }
}

extension Array<UInt8> {
  /// Where a run of bytes first occurs.
  fileprivate func firstIndex(of run: [UInt8]) -> Int? {
    indices.first { $0 + run.count <= count && self[$0..<$0 + run.count].elementsEqual(run) }
  }
}
