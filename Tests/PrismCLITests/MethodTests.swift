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
private let dogs = Repository.weights + "dogs.safetensors"

@Suite("methods on the command line")
struct MethodOptionTests {
  @Test("--method list needs no model, and tells every method's facts")
  func list() throws {
    let outcome = Outcome("explain", "--method", "list")
    #expect(outcome.status == .done && outcome.diagnostics == "")
    for method in ExplanationMethod.allCases {
      #expect(outcome.output.contains("\(method.rawValue): "))
    }
    for part in [
      "needs       segments, baseline", "samples 500",
      "values      in the unit of what is explained", "values      without a unit",
      "one forward pass a sample", "KDD 2016",
    ] {
      #expect(outcome.output.contains(part), "\(part)")
    }
    let json = try JSONReader.parse(Outcome("explain", "--method", "list", "--json").output)
    let methods = try #require(json["methods"]?.elements)
    #expect(methods.count == ExplanationMethod.allCases.count)
    #expect(methods.allSatisfy { $0["obstacle"] == .null && $0["paper"]?.string != nil })
  }

  @Test("names of methods that do not exist, with the nearest")
  func unknown() {
    for (name, part) in [("gradcan", "did you mean gradcam?"), ("tea", "--method list"), ("", "")] {
      let outcome = Outcome(
        "explain", "a.png", "--model", "m", "--output", "o", "--method", "lime," + name)
      #expect(outcome.status == .wrongUsage && outcome.diagnostics.contains(part))
    }
  }
}

@Suite("methods and models", .serialized)
struct ModelMethodTests {
  private static let model = SmallModel.softmax

  /// Options with which a method is fast.
  static func quick(_ method: ExplanationMethod) -> [String] {
    var options: [String] = []
    if method.choices.contains(.samples) { options += ["--samples", "20"] }
    if method.choices.contains(.segments) { options += ["--segments", "grid:2x3"] }
    return options
  }

  @Test(
    "every method explains, with the same bytes for one thread and two, batches of 1, 16 and 33",
    arguments: ExplanationMethod.allCases)
  func all(_ method: ExplanationMethod) throws {
    try Repository.withFolder { folder in
      var arrays: [[UInt8]] = []
      for (threads, batch) in [("1", "1"), ("2", "16"), ("2", "33")] {
        let outcome = Outcome(
          [
            "explain", husky, "--model", Self.model, "--method", method.rawValue, "--output",
            "\(folder)/\(batch)", "--threads", threads, "--batch", batch, "--format", "npy,json",
          ] + Self.quick(method))
        #expect(outcome.status == .done && outcome.diagnostics == "", "\(outcome.diagnostics)")
        arrays.append(try Files.read("\(folder)/\(batch)/husky.\(method.rawValue).npy"))
      }
      #expect(arrays[0] == arrays[1] && arrays[0] == arrays[2])
      let document = try JSONReader.parse(
        String(decoding: try Files.read(folder + "/1/husky.json"), as: UTF8.self))
      let explanation = try #require(document["explanations"]?.elements.first)
      #expect(explanation["method"]?.string == method.rawValue)
      let isInUnit = method.explainer().facts.unit == .explained
      #expect(explanation["unit"] == (isInUnit ? explanation["explains"] : .null))
      // What adds up to a number is in its unit.
      #expect(isInUnit || explanation["completenessGap"] == .null)
      if method.choices.contains(.segments) {
        #expect(explanation["segments"]?["values"]?.elements.count == 6)
        #expect(explanation["segments"]?["standardErrors"]?.elements.count == 6)
        if method != .permutationSHAP { #expect(explanation["score"]?.double != nil) }
      }
      if [.kernelSHAP, .partitionSHAP, .permutationSHAP].contains(method) {
        #expect(try abs(#require(explanation["completenessGap"]?.double)) < 1e-5)
        let parts = try ["baseValue", "sum"].map { try #require(explanation[$0]?.double) }
        let whole = try #require(explanation["explainedValue"]?.double)
        #expect(abs(parts[0] + parts[1] - whole) < 1e-5)
        #expect(explanation["target"]?["logit"]?.double == whole)
      }
      if [.rise, .smoothgrad, .gradientSHAP].contains(method) {
        #expect(explanation["standardError"]?["mean"]?.double != nil)
      }
    }
  }

  @Test(
    "every method explains a network of one channel whose nodes are in its card, pictures and sounds",
    arguments: ExplanationMethod.allCases)
  func graphs(_ method: ExplanationMethod) throws {
    for (model, input, rows, columns) in [
      (SmallModel.grey, husky, 33, 47),
      (SmallModel.levels, Repository.samples + "voice-real.wav", 63, 32),
    ] {
      try Repository.withFolder { folder in
        let outcome = Outcome(
          [
            "explain", input, "--model", model, "--method", method.rawValue, "--output", folder,
            "--format", "npy,json,png",
          ] + Self.quick(method))
        #expect(outcome.status == .done, "\(outcome.diagnostics)")
        let stem = model == SmallModel.grey ? "husky" : "voice-real"
        let map = try ArrayFile.tensor(contentsOf: "\(folder)/\(stem).\(method.rawValue).npy")
        #expect(map.shape == [rows, columns], "\(map.shape)")
        let values = map.scalars
        #expect(values.contains { $0 != 0 } && values.allSatisfy(\.isFinite))
        let document = try JSONReader.parse(
          String(decoding: try Files.read("\(folder)/\(stem).json"), as: UTF8.self))
        let gap = document["explanations"]?.elements.first?["completenessGap"]?.double
        if let gap, [.kernelSHAP, .partitionSHAP, .permutationSHAP].contains(method) {
          #expect(abs(gap) < 1e-5)
        }
      }
    }
  }

  @Test(
    "a map of the probability adds up to the probability, and says so",
    arguments: ["kernelshap", "shap"])
  func probability(method: String) throws {
    try Repository.withFolder { folder in
      let outcome = Outcome(
        [
          "explain", husky, "--model", Self.model, "--method", method, "--output", folder,
          "--explain", "Probability", "--samples", "40", "--format", "npy",
        ] + (method == "shap" ? [] : ["--segments", "grid:2x3"]))
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      let document = try JSONReader.parse(
        String(decoding: try Files.read(folder + "/husky.json"), as: UTF8.self))
      let explanation = try #require(document["explanations"]?.elements.first)
      #expect(explanation["explains"]?.string == "probability")
      let parts = try ["baseValue", "sum"].map { try #require(explanation[$0]?.double) }
      let probability = try #require(explanation["target"]?["probability"]?.double)
      #expect(abs(parts[0] + parts[1] - probability) < 1e-5)
      #expect(outcome.output.contains("= probability "))
    }
  }

  @Test("a scale names the unit of its method's values, and none where they have none")
  func units() throws {
    try Repository.withFolder { folder in
      let outcome = Outcome(
        "compare", husky, "--model", Self.model, "--methods",
        "gradcam,sobol,hsic,extremal,occlusion",
        "--samples", "20", "--output", folder, "--format", "html")
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      let page = String(decoding: try Files.read(folder + "/husky.compare.html"), as: UTF8.self)
      #expect(page.components(separatedBy: ">attribution</div>").count == 5)
      #expect(page.components(separatedBy: ">attribution (logit)</div>").count == 2)
    }
  }

  @Test("several methods and targets, each pair in files of its own")
  func several() throws {
    try Repository.withFolder { folder in
      let outcome = Outcome(
        "explain", husky, "--model", Self.model, "--method", "gradcam,saliency", "--target",
        "class 3,5,class 3", "--output", folder, "--format", "npy,json")
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      #expect(
        Repository.names(in: folder) == [
          "husky.gradcam.class_3.npy", "husky.gradcam.class_5.npy", "husky.json",
          "husky.saliency.class_3.npy", "husky.saliency.class_5.npy",
        ])
    }
  }

  @Test("a binary model explains both sides, and a multi-label one what is above its threshold")
  func outputs() throws {
    try Repository.withFolder { folder in
      let both = Outcome(
        "explain", husky, "--model", SmallModel.binary, "--method", "inputxgradient", "--output",
        folder, "--format", "npy")
      #expect(both.status == .done, "\(both.diagnostics)")
      let names = Repository.names(in: folder).filter { $0.hasSuffix(".npy") }
      try #require(names.count == 2)
      let maps = try names.map { try ArrayFile.tensor(contentsOf: "\(folder)/\($0)") }
      // One logit: what speaks for one label speaks against the other.
      #expect(maps[0] == maps[1].map { -$0 } && maps[0].maximum > 0)

      let some = Outcome(
        "explain", husky, "--model", SmallModel.sigmoid, "--method", "shap,lime", "--samples", "20",
        "--segments", "grid:2x2", "--target", "above-threshold", "--output", folder + "/s")
      #expect(some.status == .done, "\(some.diagnostics)")
      let document = try JSONReader.parse(
        String(decoding: try Files.read(folder + "/s/husky.json"), as: UTF8.self))
      let above = document["predictions"]?.elements.filter {
        $0["probability"]?.double ?? 0 >= 0.5
      }
      #expect(above?.count ?? 0 > 1)
      #expect(document["explanations"]?.elements.count == 2 * (above?.count ?? 0))
    }
  }

  @Test("one label against another, of pictures and sounds, in documents, tables and figures")
  func contrasts() throws {
    for (model, input, target, stem) in [
      (SmallModel.grey, husky, "three-vs-one", "husky"),
      (SmallModel.binary, husky, "1-vs-0", "husky"),
      (SmallModel.levels, Repository.samples + "voice-real.wav", "one-vs-two", "voice-real"),
      (SmallModel.sigmoid, husky, "4-vs-top", "husky"),
    ] {
      try Repository.withFolder { folder in
        let outcome = Outcome(
          "explain", input, "--model", model, "--method", "inputxgradient,lrp,deeplift,kernelshap",
          "--segments", "grid:2x2", "--samples", "20", "--target", target, "--output", folder,
          "--format", "npy,json,png,csv,html")
        #expect(outcome.status == .done, "\(outcome.diagnostics)")
        let document = try JSONReader.parse(
          String(decoding: try Files.read("\(folder)/\(stem).json"), as: UTF8.self))
        let explanations = try #require(document["explanations"]?.elements)
        #expect(explanations.count == 4)
        for explanation in explanations {
          #expect(explanation["explains"]?.string == "logit difference")
          let entry = try #require(explanation["target"])
          let contrast = try #require(entry["contrast"])
          let logit = try #require(entry["logit"]?.double)
          #expect(entry["label"]?.string?.contains("-vs-") == true)
          if let whole = explanation["explainedValue"]?.double {
            #expect(abs(whole - logit) < 1e-5 * max(1, abs(logit)))
          }
          // A sound's predictions are of all its windows, and the contrast is of one.
          guard model != SmallModel.levels else { continue }
          let logits = ["index", "rival"].map { side in
            document["predictions"]?.elements.first { $0["index"] == contrast[side] }?["logit"]?
              .double ?? .nan
          }
          #expect(abs(logits[0] - logits[1] - logit) < 1e-5 * max(1, abs(logit)))
        }
      }
    }
  }

  @Test("contrasts are compared as labels are, and the label beside them has the same bytes")
  func comparedContrasts() throws {
    try Repository.withFolder { folder in
      let outcome = Outcome(
        "compare", husky, "--model", SmallModel.grey, "--methods", "gradcam,saliency", "--targets",
        "one,one-vs-two", "--sanity", "--output", folder, "--format", "html,csv")
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      let page = String(
        decoding: try Files.read(folder + "/husky.compare.html"), as: UTF8.self)
      #expect(page.contains("one-vs-two"))
      for targets in ["one", "one,one-vs-two"] {
        let made = Outcome(
          "explain", husky, "--model", SmallModel.grey, "--method", "saliency", "--target", targets,
          "--output", "\(folder)/\(targets.count)", "--format", "npy")
        #expect(made.status == .done, "\(made.diagnostics)")
      }
      #expect(
        try Files.read(folder + "/3/husky.saliency.npy")
          == Files.read(folder + "/14/husky.saliency.one.npy"))
    }
  }

  @Test("tables, pages and PDF hold all methods and targets of an input")
  func shared() throws {
    try Repository.withFolder { folder in
      let outcome = Outcome(
        "explain", husky, "--model", Self.model, "--method", "gradcam,saliency", "--target",
        "top2", "--output", folder, "--format", "csv,html,pdf")
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      #expect(
        Repository.names(in: folder) == [
          "husky.csv", "husky.html", "husky.json", "husky.pdf", "husky.regions.csv",
        ])
      let lines = String(decoding: try Files.read(folder + "/husky.csv"), as: UTF8.self)
        .split(separator: "\n")
      #expect(lines.count == 5)
      #expect(
        lines.allSatisfy { $0.split(separator: ",", omittingEmptySubsequences: false).count == 15 })
    }
  }

  @Test("what does not fit a model is listed with the reason")
  func obstacles() {
    let outcome = Outcome("explain", "--method", "list", "--model", Self.model, "--layer", "logits")
    #expect(outcome.status == .done)
    #expect(outcome.output.contains("Not for this model:\n  gradcam: the layer logits"))
    #expect(outcome.output.contains("lime: LIME"))
    #expect(!outcome.output.contains("gradcam: Grad-CAM\n"))
  }

  @Test("bad input is one line that says what to do")
  func badInput() throws {
    try Repository.withFolder { folder in
      func explain(_ more: String...) -> Outcome {
        Outcome(["explain", husky, "--model", Self.model, "--output", folder + "/out"] + more)
      }
      explain("--method", "lime", "--samples", "0").expectFailure("--samples is 0")
      explain("--method", "lime", "--samples", "1").expectFailure("at least 2")
      explain("--method", "lime", "--segments", "grid:1x1").expectFailure(
        "1 segment,", "finer segmentation")
      explain("--method", "lime", "--segments", "grid:900x1").expectFailure("the grid")
      explain("--method", "lime", "--segments", "tiles").expectFailure("--segments tiles")
      explain("--method", "lime", "--mask", "grey").expectFailure("--mask grey")
      explain("--method", "shap", "--mask", "segment-mean").expectFailure("segments")
      explain("--method", "gradcam", "--samples", "5").expectFailure("--samples", "lime")
      explain("--method", "saliency", "--layer", "features.18").expectFailure("--layer")
      explain("--method", "lime", "--until-stable", "--confidence", "2").expectFailure(
        "the confidence")
      let alone = explain("--method", "lime", "--confidence", "0.9")
      #expect(alone.status == .wrongUsage && alone.diagnostics.contains("--until-stable"))
      explain("--method", "eigencam", "--layer", "logits").expectFailure("rows and columns")
      explain("--target", "class 3,class 11").expectFailure("class 11", "did you mean")
      try ArrayFile.write(Tensor([4, 4]), to: folder + "/float.npy")
      explain("--method", "lime", "--segments", folder + "/float.npy").expectFailure("float.npy")
      try Image(width: 4, height: 4, filledWith: .white).write(to: folder + "/small.png")
      explain("--method", "lime", "--segments", folder + "/small.png").expectFailure(
        "small.png", "4×4", "64×64")
      try Image(width: 64, height: 64, filledWith: .white).write(to: folder + "/one.png")
      explain("--method", "kernelshap", "--segments", folder + "/one.png").expectFailure(
        "1 segment,")
      #expect(Repository.names(in: folder + "/out") == [])
    }
  }

  @Test("a constant picture gives a stated blank map")
  func constant() throws {
    try Repository.withFolder { folder in
      try Image(width: 40, height: 40, filledWith: RGB(9, 99, 9)).write(to: folder + "/a.png")
      let outcome = Outcome(
        "explain", folder + "/a.png", "--model", Self.model, "--method", "lime", "--segments",
        "grid:3x3", "--samples", "20", "--output", folder + "/out")
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      #expect(outcome.output.contains("blank map: the output is the same for all samples"))
    }
  }

  @Test("--until-stable tells how many samples it took")
  func untilStable() throws {
    try Repository.withFolder { folder in
      let outcome = Outcome(
        "explain", husky, "--model", Self.model, "--method", "lime", "--segments", "grid:2x1",
        "--until-stable", "--samples", "300", "--output", folder, "--format", "json")
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      #expect(outcome.output.contains("the ranking of the top 3 segments is"))
    }
  }

  @Test("compare writes one figure in all formats, and skips what is done")
  func compare() throws {
    try Repository.withFolder { folder in
      let bad = folder + "/bad.png"
      try AtomicFile.write("no picture", to: bad)
      let out = folder + "/out"
      func run(_ more: String...) -> Outcome {
        Outcome(
          [
            "compare", husky, bad, "--model", Self.model, "--methods", "gradcam,lime",
            "--segments", "grid:4x4", "--samples", "60", "--targets", "top2", "--output", out,
          ] + more)
      }
      let first = run("--sanity")
      #expect(first.status == .someInputsFailed)
      #expect(first.diagnostics.split(separator: "\n").count == 1)
      #expect(first.output.contains("Faithfulness for class"))
      #expect(first.output.contains("layers are randomised"))
      let names = ["csv", "html", "json", "pdf", "png", "regions.csv"].map { "husky.compare.\($0)" }
      #expect(Repository.names(in: out) == names + ["index.html"])
      let page = String(decoding: try Files.read(out + "/husky.compare.html"), as: UTF8.self)
      #expect(page.contains("<canvas") && page.contains("type=\"range\""))
      #expect(!page.contains("http"), "the page needs nothing from elsewhere")
      #expect(page.components(separatedBy: "data-segments").count == 3)
      let pdf = try Files.read(out + "/husky.compare.pdf")
      #expect(pdf.starts(with: Array("%PDF".utf8)))
      let csv = String(decoding: try Files.read(out + "/husky.compare.csv"), as: UTF8.self)
      let lines = csv.split(separator: "\n")
      #expect(lines.count == 5)
      for line in lines {
        #expect(line.split(separator: ",", omittingEmptySubsequences: false).count == 23)
      }
      let document = try JSONReader.parse(
        String(decoding: try Files.read(out + "/husky.compare.json"), as: UTF8.self))
      #expect(document["explanations"]?.elements.count == 4)
      #expect(document["faithfulness"]?.elements.count == 4)
      #expect(document["agreement"]?.elements.count == 2)
      #expect(document["sanity"]?.elements.first?["result"]?["stages"]?.elements.count == 6)
      for judgement in document["faithfulness"]?.elements ?? [] {
        for area in ["deletion", "insertion"] {
          let value = try #require(judgement[area]?.double)
          #expect((0...1).contains(value))
        }
      }

      // The second run does nothing, a run with other options everything.
      let second = run("--sanity")
      #expect(second.output.contains("done before") && second.status == .someInputsFailed)
      #expect(try Files.read(out + "/husky.compare.pdf") == pdf)
      #expect(!run().output.contains("done before"))
      #expect(!run("--seed", "1").output.contains("done before"))
      try FileManager.default.removeItem(atPath: out + "/husky.compare.csv")
      #expect(!run("--seed", "1").output.contains("done before"))
    }
  }

  @Test("compare tells how much of each map lies in a region that is known to be right")
  func truth() throws {
    try Repository.withFolder { folder in
      let input = try Model(contentsOf: Self.model).card.input.image
      func run(_ mask: Image) throws -> Outcome {
        try mask.write(to: folder + "/mask.png")
        return Outcome(
          "compare", husky, "--model", Self.model, "--methods", "eigencam,saliency", "--format",
          "csv", "--truth", folder + "/mask.png", "--output", folder + "/out")
      }
      // The upper third, and what is left of it.
      let third = input.height / 3
      var shares = [Double](repeating: 0, count: 2)
      var hits = 0
      for upper in [true, false] {
        var pixels = [UInt8](repeating: 0, count: 3 * input.width * input.height)
        for i in pixels.indices where (i < 3 * input.width * third) == upper { pixels[i] = 255 }
        let outcome = try run(Image(width: input.width, height: input.height, exactly: pixels))
        #expect(outcome.status == .done, "\(outcome.diagnostics)")
        #expect(outcome.output.contains("inside ↑"))
        let document = try JSONReader.parse(
          String(decoding: try Files.read(folder + "/out/husky.compare.json"), as: UTF8.self))
        for (m, judgement) in (document["faithfulness"]?.elements ?? []).enumerated() {
          let found = try #require(judgement["localization"])
          shares[m] += try #require(found["massInside"]?.double)
          if found["isHit"] == .bool(true) { hits += 1 }
        }
      }
      // The two regions share all of a map's mass and one has its maximum.
      for share in shares { #expect(abs(share - 1) < 1e-9) }
      #expect(hits == 2)

      for (mask, word) in [
        (Image(width: input.width, height: input.height, filledWith: RGB(0, 0, 0)), "no region")
      ] {
        let outcome = try run(mask)
        #expect(outcome.status == .failed && outcome.diagnostics.contains(word))
        #expect(outcome.diagnostics.split(separator: "\n").count == 1)
      }
    }
  }
}
