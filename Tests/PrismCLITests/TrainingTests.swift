import Prism
import PrismReport
import PrismTestSupport
import Testing

@testable import PrismCLI

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite("dataset, train and evaluate")
struct TrainingCommandTests {
  /// Twelve pictures of either class: reds and blues.
  private func withData(_ body: (_ folder: String) throws -> Void) throws {
    try Repository.withFolder { folder in
      for (split, count) in [("training", 8), ("validation", 4), ("testing", 4)] {
        for (label, color) in [("blue", RGB(20, 40, 200)), ("red", RGB(200, 40, 20))] {
          let path = "\(folder)/data/\(split)/\(label)"
          try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
          for i in 0..<count {
            let shade = UInt8(5 * i)
            let color = RGB(color.red + shade, color.green, color.blue + shade)
            try Image(width: 20, height: 20, filledWith: color).write(to: "\(path)/\(i).png")
          }
        }
      }
      try body(folder)
    }
  }

  @Test("dataset tells splits, labels and counts")
  func dataset() throws {
    try withData { folder in
      let outcome = Outcome("dataset", folder + "/data")
      #expect(outcome.status == .done && outcome.diagnostics == "")
      let lines = outcome.output.split(separator: "\n").map {
        $0.split(separator: " ").joined(separator: " ")
      }
      #expect(lines[0].hasSuffix("split folders, 32 pictures, 2 labels"))
      #expect(lines.contains("label training validation testing all"))
      #expect(lines.contains("red 8 4 4 16") && lines.contains("samples 16 8 8 32"))
      let json = Outcome("dataset", folder + "/data", "--json").output
      #expect(json.contains("\"layout\": \"split folders\"") && json.contains("\"red\": 8"))
    }
  }

  @Test("missing files are counted and named")
  func missing() throws {
    let outcome = Outcome("dataset", Repository.fixtures + "chexpert_excerpt.csv")
    #expect(outcome.status == .done)
    #expect(outcome.output.contains("179 of 179 files are missing"))
    #expect(outcome.output.contains("study1/view1_frontal.jpg"))
    #expect(outcome.output.contains("97 uncertain mentions: policy ones"))
    #expect(outcome.output.contains("lateral pictures are left out"))
    Outcome("dataset", "/nonexistent").expectFailure("no such file")
  }

  @Test("wrong usage has the status 2")
  func usage() {
    let train = ["train", "--data", "d", "--base", "b", "--output", "o"]
    for extra in [
      ["--fine-tune-from", "130%"], ["--task", "guess"], ["--batch", "0"], ["--threshold", "1"],
      ["--learning-rate", "0"], ["--optimizer", "lion"], ["--patience", "0"],
    ] {
      #expect(Outcome(train + extra).status == .wrongUsage, "\(extra)")
    }
    for arguments in [
      ["train", "--data", "d"], ["evaluate", "--model", "m"],
      ["evaluate", "--model", "m", "--data", "d", "--split", "holiday"],
      ["dataset"], ["dataset", "d", "--uncertain", "perhaps"],
    ] {
      #expect(Outcome(arguments).status == .wrongUsage, "\(arguments)")
    }
  }

  @Test(
    "train writes a model that evaluate measures",
    .enabled(if: Repository.hasDogs, "Tools/fetch_weights.py fetches the model"))
  func train() throws {
    try withData { folder in
      let model = folder + "/colours.safetensors"
      let outcome = Outcome(
        "train", "--data", folder + "/data", "--base", Repository.weights + "dogs.safetensors",
        "--warmup-epochs", "3", "--learning-rate", "0.01", "--head", "pool,dense", "--batch", "8",
        "--output", model, "--half", "--threshold", "0.3", "--license", "none")
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      #expect(outcome.output.contains("colours.safetensors: epoch "))
      #expect(!outcome.diagnostics.contains("\r"))
      #expect(
        Repository.names(in: folder) == [
          "colours.curve.csv", "colours.curve.png", "colours.safetensors", "data",
        ])
      let evaluation = Outcome(
        "evaluate", "--model", model, "--data", folder + "/data", "--output", folder + "/out",
        "--resamples", "100")
      #expect(evaluation.status == .done, "\(evaluation.diagnostics)")
      #expect(evaluation.output.contains("threshold 0.3"))
      #expect(evaluation.output.contains("auc") && evaluation.output.contains("1.0000"))
      #expect(
        Repository.names(in: folder + "/out") == [
          "evaluation.csv", "evaluation.json", "evaluation.png", "predictions.csv",
        ])
      let lines = try String(contentsOfFile: folder + "/out/predictions.csv", encoding: .utf8)
        .split(separator: "\n")
      #expect(lines.count == 9 && lines[0] == "path,true,blue,red")

      Outcome(
        "evaluate", "--model", Repository.weights + "dogs.safetensors", "--data", folder + "/data"
      ).expectFailure("the data have the labels blue, red")
      Outcome(
        "train", "--data", folder + "/data", "--base", model, "--output", folder + "/x",
        "--fine-tune-from", "features.17x"
      ).expectFailure("did you mean features.17")
    }
  }
}
