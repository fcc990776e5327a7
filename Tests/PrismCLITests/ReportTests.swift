import Prism
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

private let husky = Repository.samples + "husky.png"
private let voice = Repository.samples + "voice-synthetic.wav"

/// A document that was written.
private func document(_ path: String) throws -> JSON {
  try JSONReader.parse(String(contentsOfFile: path, encoding: .utf8))
}

@Suite("results and whose they are", .serialized)
struct ResultTests {
  /// Two pictures of the same name, as two patients' are.
  private func withPatients(_ body: (_ folder: String, _ paths: [String]) throws -> Void) throws {
    try Repository.withFolder { folder in
      let paths = try ["patient2", "patient3"].enumerated().map { index, name in
        let place = "\(folder)/\(name)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        try Image(width: 30, height: 30, filledWith: RGB(UInt8(90 * index), 80, 200))
          .write(to: place + "/view.png")
        return place + "/view.png"
      }
      try body(folder, paths)
    }
  }

  @Test("no result replaces another input's, in a run or between runs", arguments: [true, false])
  func names(inOneRun: Bool) throws {
    try withPatients { folder, paths in
      let out = folder + "/out"
      for inputs in inOneRun ? [paths, paths] : [[paths[0]], [paths[1]], [paths[1]], [paths[0]]] {
        for command in ["explain", "compare"] {
          let outcome = Outcome(
            [command] + inputs + [
              "--model", SmallModel.softmax, "--output", out, "--format", "png",
            ])
          #expect(outcome.status == .done, "\(outcome.diagnostics)")
        }
      }
      let names = Repository.names(in: out).filter { $0 != "index.html" }
      #expect(
        names == [
          "view-2.compare.json", "view-2.compare.png", "view-2.gradcam.png", "view-2.json",
          "view.compare.json", "view.compare.png", "view.gradcam.png", "view.json",
        ])
      for (name, path) in zip(["view", "view-2"], paths) {
        for suffix in [".json", ".compare.json"] {
          let input = try document("\(out)/\(name)\(suffix)")["input"]
          #expect(input?["path"] == .string(path))
          #expect(
            input?["sha256"] == .string(SHA256.hexadecimalDigest(of: try Files.read(path))))
        }
      }
      if inOneRun {
        let page = try String(contentsOfFile: out + "/index.html", encoding: .utf8)
        for path in paths { #expect(page.contains(path)) }
      }
    }
  }

  @Test("a run that fails leaves the earlier results as they were")
  func failure() throws {
    try withPatients { folder, paths in
      func run(_ more: String...) -> Outcome {
        Outcome(
          ["explain", paths[0], "--model", SmallModel.softmax, "--output", folder + "/out"] + more)
      }
      #expect(run().status == .done)
      let before = try Repository.names(in: folder + "/out").map {
        try Files.read("\(folder)/out/\($0)")
      }
      // A folder stands where the last file is to go.
      try FileManager.default.createDirectory(
        atPath: folder + "/out/view.html", withIntermediateDirectories: true)
      #expect(run("--format", "png,html", "--method", "eigencam").status == .failed)
      try FileManager.default.removeItem(atPath: folder + "/out/view.html")
      #expect(run("--layer", "logits").status == .failed)
      let after = try Repository.names(in: folder + "/out").map {
        try Files.read("\(folder)/out/\($0)")
      }
      #expect(before == after)
    }
  }

  @Test(
    "a method that fails leaves the others' results, and is named",
    arguments: [
      "explain", "compare",
    ])
  func failedMethod(command: String) throws {
    try Repository.withFolder { folder in
      let outcome = Outcome(
        command, husky, "--model", SmallModel.softmax, "--method", "gradcam,saliency", "--layer",
        "logits", "--output", folder)
      #expect(outcome.status == .someInputsFailed)
      #expect(outcome.diagnostics.split(separator: "\n").count == 1)
      #expect(outcome.diagnostics.contains("gradcam: the layer logits"))
      let name = command == "compare" ? "husky.compare.json" : "husky.json"
      let found = try document("\(folder)/\(name)")
      #expect(found["explanations"]?.elements.map { $0["method"] } == [.string("saliency")])
      #expect(found["failures"]?.elements.map { $0["method"] } == [.string("gradcam")])
    }
  }

  @Test("documents are of the shape that the schema states")
  func schema() throws {
    try Repository.withFolder { folder in
      let run = try JSONSchema(named: "run.json")
      for (model, input) in [(SmallModel.softmax, husky), (SmallModel.voice, voice)] {
        for arguments in [
          ["classify", input, input], ["classify", input],
          [
            "explain", input, "--method", "gradcam,lime,rise", "--samples", "40", "--segments",
            "grid:2x3", "--seed", "7", "--output", folder,
          ],
          [
            "compare", input, "--method", "gradcam,saliency", "--sanity", "--stability",
            "--sensitivity", "--output", folder,
          ],
        ] {
          let outcome = Outcome(arguments + ["--model", model, "--json"])
          #expect(outcome.status == .done, "\(outcome.diagnostics)")
          let printed = try JSONReader.parse(outcome.output)
          #expect(try run.problems(of: printed) == [])
          #expect(printed["inputs"]?.elements.isEmpty == false)
        }
      }
      let written = try document(folder + "/husky.json")
      #expect(try JSONSchema(named: "input.json").problems(of: written) == [])
      #expect(written["explanations"]?.elements.last?["parameters"]?["seed"] == .integer(7))
      // The validator finds what is wrong.
      #expect(try run.problems(of: ["schema": .integer(2), "key_word": .null]).count == 5)
    }
  }
}

@Suite("windows of a sound", .serialized)
struct WindowTests {
  @Test(
    "the strongest window, stated ones, several and all",
    arguments: [(nil, 1), ("0.5", 1), ("0,1.4", 2), ("top3", 3), ("all", 7)] as [(String?, Int)])
  func choice(windows: String?, count: Int) throws {
    try Repository.withFolder { folder in
      let outcome = Outcome(
        [
          "explain", voice, "--model", SmallModel.voice, "--target", "0", "--method",
          "inputxgradient,shap", "--samples", "40", "--output", folder, "--format", "npy",
        ] + (windows.map { ["--windows", $0] } ?? []))
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      #expect(Repository.names(in: folder).filter { $0.hasSuffix(".npy") }.count == 2 * count)
      let model = try Model(contentsOf: SmallModel.voice)
      let hearing = try model.listen(to: try Sound(contentsOf: voice))
      let found = try document(folder + "/voice-synthetic.json")["explanations"]?.elements ?? []
      #expect(found.count == 2 * count)
      for explanation in found {
        let start = try #require(explanation["window"]?.elements.first?.double)
        let window = try #require(hearing.windows.first { abs($0.start - start) < 1e-3 })
        // The window's numbers, not those of the whole sound: base value and sum give its logit.
        let logit = try #require(explanation["target"]?["logit"]?.double)
        #expect(logit == window.prediction?.entries[0].logit)
        if explanation["method"] == .string("shap") {
          let base = try #require(explanation["baseValue"]?.double)
          let gap = try #require(explanation["completenessGap"]?.double)
          let suffix = count > 1 ? ".\(start.description.padded)s" : ""
          let map = try ArrayFile.tensor(
            contentsOf: "\(folder)/voice-synthetic.shap\(suffix).npy")
          #expect(abs(base + map.sum + gap - logit) < 1e-3)
        }
      }
    }
  }

  @Test("sounds are compared, with a figure a window and one table")
  func compare() throws {
    try Repository.withFolder { folder in
      let outcome = Outcome(
        "compare", voice, "--model", SmallModel.voice, "--target", "0", "--methods",
        "gradcam,saliency", "--windows", "0,1", "--output", folder)
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      #expect(
        Repository.names(in: folder)
          == ["csv", "json"].map { "voice-synthetic.compare.\($0)" }
          .merging(
            ["0.00s", "1.00s"].flatMap { window in
              ["html", "pdf", "png"].map { "voice-synthetic.compare.\(window).\($0)" }
            }))
      let found = try document(folder + "/voice-synthetic.compare.json")
      #expect(found["faithfulness"]?.elements.count == 4)
      let csv = try String(contentsOfFile: folder + "/voice-synthetic.compare.csv", encoding: .utf8)
      #expect(csv.split(separator: "\n").count == 5)
    }
  }

  @Test("what is no window is refused with the reason")
  func refusals() throws {
    try Repository.withFolder { folder in
      func run(_ input: String, _ model: String, _ windows: String) -> Outcome {
        Outcome(
          "explain", input, "--model", model, "--windows", windows, "--output", folder + "/out")
      }
      run(voice, SmallModel.voice, "9").expectFailure("9.0 s", "2.0 s")
      run(voice, SmallModel.voice, "soon").expectFailure("soon", "top3")
      run(husky, SmallModel.softmax, "all").expectFailure("models that listen")
    }
  }
}

extension [String] {
  fileprivate func merging(_ others: [String]) -> [String] { (self + others).sorted() }
}

extension String {
  /// Seconds as files' names have them, with two decimals.
  fileprivate var padded: String {
    let parts = split(separator: ".")
    guard parts.count == 2, let whole = parts.first, let fraction = parts.last else { return self }
    return "\(whole).\(fraction)\(String(repeating: "0", count: max(0, 2 - fraction.count)))"
  }
}

@Suite("regions that are known to be right", .serialized)
struct TruthTests {
  /// A mask of 1 in the left or right half, of a size of its own.
  private func mask(isLeft: Bool) throws -> Image {
    var pixels: [UInt8] = []
    for _ in 0..<24 {
      for x in 0..<24 {
        pixels += [UInt8](repeating: (x < 12) == isLeft ? 255 : 0, count: 3)
      }
    }
    return try Image(width: 24, height: 24, pixels: pixels)
  }

  private func shares(_ path: String) throws -> [Double?] {
    try document(path)["faithfulness"]?.elements.map {
      $0["localization"]?["massInside"]?.double
    } ?? []
  }

  @Test("masks of a folder and of a table belong to their inputs and labels")
  func sources() throws {
    try Repository.withFolder { folder in
      let masks = folder + "/masks"
      try FileManager.default.createDirectory(atPath: masks, withIntermediateDirectories: true)
      let other = folder + "/other.png"
      try AtomicFile.write(try Files.read(husky), to: other)
      try mask(isLeft: true).write(to: masks + "/husky.class_3.png")
      try mask(isLeft: false).write(to: masks + "/husky.png")
      try AtomicFile.write(
        "input,target,mask\n\(husky),class 3,masks/husky.class_3.png\n\(husky),,masks/husky.png\n",
        to: folder + "/masks.csv")
      var found: [[Double?]] = []
      for (number, truth) in [masks, folder + "/masks.csv"].enumerated() {
        let out = "\(folder)/out\(number)"
        let outcome = Outcome(
          "compare", husky, other, "--model", SmallModel.softmax, "--methods", "saliency",
          "--target", "3,4,5", "--truth", truth, "--output", out, "--format", "png")
        #expect(outcome.status == .done, "\(outcome.diagnostics)")
        // The other picture has no mask, though its contents are the same.
        #expect(try shares(out + "/other.compare.json") == [nil, nil, nil])
        found.append(try shares(out + "/husky.compare.json"))
      }
      #expect(found[0] == found[1] && found[0].allSatisfy { $0 != nil })

      let whole = Outcome(
        "compare", husky, "--model", SmallModel.softmax, "--methods", "saliency", "--target", "3",
        "--truth", masks + "/husky.png", "--output", folder + "/one", "--format", "png")
      #expect(whole.status == .done, "\(whole.diagnostics)")
      // Left and right halves share all of a map.
      let right = try shares(folder + "/one/husky.compare.json")
      #expect(abs(try #require(right[0]) + #require(found[0][0]) - 1) < 1e-6)
    }
  }

  @Test("one mask for two inputs, and none for any, are errors")
  func refusals() throws {
    try Repository.withFolder { folder in
      let other = folder + "/other.png"
      try AtomicFile.write(try Files.read(husky), to: other)
      try mask(isLeft: true).write(to: folder + "/mask.png")
      func run(_ truth: String) -> Outcome {
        Outcome(
          "compare", husky, other, "--model", SmallModel.softmax, "--truth", truth, "--output",
          folder + "/out")
      }
      run(folder + "/mask.png").expectFailure("mask.png", "husky.png", "other.png")
      let empty = folder + "/empty"
      try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
      run(empty).expectFailure("no mask")
      #expect(Repository.names(in: folder + "/out") == [])
    }
  }
}
