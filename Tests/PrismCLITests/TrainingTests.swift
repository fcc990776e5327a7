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
            // No picture of one split is one of another.
            try Image(width: 20, height: 16 + count + split.count, filledWith: color)
              .write(to: "\(path)/\(i).png")
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
      ["--sensitivity", "0"], ["--monitor", "mood"], ["--epochs", "3", "--warmup-epochs", "2"],
      ["--warmup-epochs", "0"],
      ["--fine-tune-from", "50%", "--epochs", "0", "--warmup-epochs", "0"],
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
      #expect(lines.count == 9 && lines[0] == "path,split,true,blue,red,true:blue,true:red")
      #expect(lines[1].hasPrefix("\(folder)/data/testing/blue/0.png,testing,blue,"))
      #expect(lines[1].hasSuffix(",1,0") && lines[8].hasSuffix(",0,1"))

      Outcome(
        "evaluate", "--model", Repository.weights + "dogs.safetensors", "--data", folder + "/data"
      ).expectFailure("the data have the labels blue, red")
      Outcome(
        "train", "--data", folder + "/data", "--base", model, "--output", folder + "/x",
        "--fine-tune-from", "features.17x"
      ).expectFailure("did you mean features.17")
    }
  }

  /// A head on a narrow network, trained for as long as an extra option says.
  private func train(_ folder: String, _ extra: String...) -> Outcome {
    Outcome(
      [
        "train", "--data", folder + "/data", "--base", SmallModel.softmax, "--head", "pool,dense",
        "--output", folder + "/model.safetensors", "--batch", "8",
      ] + extra)
  }

  @Test("evaluate stops on a file that cannot be read, or leaves it out by name")
  func evaluationSkipsBad() throws {
    try withData { folder in
      let model = folder + "/model.safetensors"
      let trained = train(folder, "--epochs", "1", "--license", "none")
      #expect(trained.status == .done, "\(trained.diagnostics)")
      let bad = folder + "/data/testing/blue/1.png"
      try AtomicFile.write(Array(Files.read(bad).prefix(40)), to: bad)
      let start = ["evaluate", "--model", model, "--data", folder + "/data", "--resamples", "0"]
      Outcome(start).expectFailure("1.png")
      let outcome = Outcome(start + ["--skip-bad", "--output", folder + "/out"])
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      #expect(outcome.output.contains("7 samples, 1 left out that cannot be read"))
      #expect(outcome.diagnostics.contains("blue/1.png: "))
      let document = try JSONReader.parse(
        String(decoding: Files.read(folder + "/out/evaluation.json"), as: UTF8.self))
      #expect(document["skipped"]?.elements.map { $0["path"]?.string } == [bad])
      let lines = String(decoding: try Files.read(folder + "/out/predictions.csv"), as: UTF8.self)
        .split(separator: "\n")
      // The samples after the one that is left out keep their own numbers.
      #expect(lines.count == 8 && !lines.contains { $0.contains("blue/1.png") })
      #expect(lines[1].contains("blue/0.png") && lines[2].contains("blue/2.png"))
    }
  }

  @Test("dataset names each thing that is dropped, in the table and in JSON")
  func dropped() throws {
    try withData { folder in
      let classes = folder + "/classes"
      for (label, shade) in [("blue", UInt8(20)), ("red", 200)] {
        try FileManager.default.createDirectory(
          atPath: "\(classes)/\(label)", withIntermediateDirectories: true)
        for i in 0..<12 {
          try Image(width: 8, height: 8, filledWith: RGB(shade, UInt8(i), 9))
            .write(to: "\(classes)/\(label)/\(i).png")
        }
      }
      for label in ["green", "yellow"] {
        try FileManager.default.createDirectory(
          atPath: "\(classes)/\(label)", withIntermediateDirectories: true)
      }
      for i in 0..<12 { try AtomicFile.write("GIF89a", to: "\(classes)/green/g\(i).gif") }
      try AtomicFile.write("broken", to: classes + "/red/b0.bmp")
      let outcome = Outcome("dataset", classes)
      #expect(outcome.status == .done)
      for words in [
        "25 pictures, 2 labels", "2 classes without a file that can be read:",
        "/yellow: it is empty",
        "/green: of its 12 entries none can be read",
        "12 files of a format that is not read, such as:", "g0.gif: GIF",
        "1 file that cannot be read:", "b0.bmp",
      ] {
        #expect(outcome.output.contains(words), "\(words) in \(outcome.output)")
      }
      let json = Outcome("dataset", classes, "--json").output
      for words in ["\"empty_class\"", "\"unread_format\"", "\"count\": 12", "\"loses\""] {
        #expect(json.contains(words), "\(words)")
      }
      // By names alone the broken file is a picture.
      #expect(!Outcome("dataset", classes, "--names-only").output.contains("cannot be read:\n  "))

      let arguments = [
        "train", "--data", classes, "--base", SmallModel.softmax, "--head", "pool,dense",
        "--output", folder + "/model.safetensors", "--epochs", "1",
      ]
      let refused = Outcome(arguments)
      #expect(refused.status == .failed && refused.diagnostics.contains("go on with --skip-bad"))
      #expect(refused.diagnostics.contains("g11.gif"), "all are listed: \(refused.diagnostics)")
      let skipped = Outcome(arguments + ["--skip-bad"])
      #expect(skipped.status == .done, "\(skipped.diagnostics)")
      #expect(skipped.diagnostics.contains("b0.bmp"))
    }
  }

  @Test("a picture in two splits stops training unless told otherwise")
  func overlap() throws {
    try withData { folder in
      try FileManager.default.copyItem(
        atPath: folder + "/data/training/red/0.png", toPath: folder + "/data/testing/red/x.png")
      let refused = train(folder, "--epochs", "1")
      #expect(refused.status == .failed && refused.diagnostics.contains("--allow-overlap"))
      #expect(train(folder, "--epochs", "1", "--allow-overlap").status == .done)
    }
  }

  @Test("what is there is not replaced unasked, and --epochs alone means the head's")
  func force() throws {
    try withData { folder in
      let first = train(folder, "--epochs", "2")
      #expect(first.status == .done, "\(first.diagnostics)")
      #expect(first.diagnostics.contains("the head is trained for 2 epochs"))
      let curve = try String(contentsOfFile: folder + "/model.curve.csv", encoding: .utf8)
      #expect(curve.split(separator: "\n").count == 3)
      let second = train(folder, "--epochs", "2")
      #expect(second.status == .failed && second.diagnostics.contains("--force replaces it"))
      #expect(train(folder, "--epochs", "1", "--force").status == .done)
      try AtomicFile.write("", to: folder + "/model.checkpoint")
      try FileManager.default.removeItem(atPath: folder + "/model.safetensors")
      #expect(train(folder, "--epochs", "1").diagnostics.contains("--resume goes on from it"))
      #expect(train(folder, "--epochs", "1", "--resume").status == .failed)
      #expect(train(folder, "--epochs", "1", "--force").status == .done)
    }
  }

  @Test("a rate is suggested, and nothing is trained")
  func findRate() throws {
    try withData { folder in
      let outcome = train(folder, "--find-rate")
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      #expect(outcome.output.contains("model.rates.png: "))
      #expect(Repository.names(in: folder) == ["data", "model.rates.csv", "model.rates.png"])
    }
  }

  @Test("what is measured unless told otherwise: one's own test part, other data whole")
  func scope() throws {
    try withData { folder in
      let classes = folder + "/classes"
      for split in ["training", "validation"] {
        for label in ["blue", "red"] {
          let target = "\(classes)/\(label)"
          try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
          for name in Repository.names(in: "\(folder)/data/\(split)/\(label)") {
            // A shade of its own, that no two pictures are one.
            let shade = UInt8(name.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) % 97 })
            let color = label == "red" ? RGB(200, shade, 20) : RGB(20, shade, 200)
            try Image(width: split == "training" ? 8 : 9, height: 8, filledWith: color)
              .write(to: "\(target)/\(split)\(name)")
          }
        }
      }
      let model = folder + "/model.safetensors"
      let trained = Outcome(
        "train", "--data", classes, "--base", SmallModel.softmax, "--head", "pool,dense",
        "--output", model, "--epochs", "2", "--sensitivity", "0.9")
      #expect(trained.status == .done, "\(trained.diagnostics)")
      #expect(trained.output.contains("sensitivity in validation"))
      #expect(trained.output.contains("chosen on only"))

      func evaluate(_ data: String, _ extra: String...) -> String {
        Outcome(["evaluate", "--model", model, "--data", data, "--resamples", "50"] + extra).output
      }
      #expect(evaluate(classes).contains("on testing of"))
      #expect(evaluate(classes, "--split", "all").contains(": 24 samples"))
      #expect(evaluate(classes, "--split-seed", "7").contains("knows some of it"))
      #expect(evaluate(folder + "/data").contains("(the data say so): 8 samples"))
      // A table of another clinic, one of whose files is missing.
      var text = "path,label\n"
      for label in ["blue", "red"] {
        for i in 0..<4 { text += "data/testing/\(label)/\(i).png,\(label)\n" }
      }
      try AtomicFile.write(text + "data/testing/red/99.png,red\n", to: folder + "/clinic.csv")
      let external = evaluate(folder + "/clinic.csv")
      #expect(external.contains("on all of") && external.contains(": 8 samples, 1 files missing"))
      #expect(external.contains("note: red: only 4 positive: too few to measure well"))
    }
  }
}
