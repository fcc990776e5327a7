import Prism
import PrismReport
import PrismSmallModels
import PrismTestSupport
import Testing

@testable import PrismCLI

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Inputs of a network that looks at one place above all.
private enum Marked {
  /// Forty pictures with something bright anywhere; of the label `marked` are the first 24, of which
  /// every second has a mark at the bottom left.
  static func pictures(in folder: String) throws {
    var random = SeededRandom(seed: 5)
    for number in 0..<40 {
      let (down, right) = (random.next(upperBound: UInt64(32)), random.next(upperBound: UInt64(32)))
      let pixels = (0..<32 * 32).flatMap { p -> [UInt8] in
        let (y, x) = (p / 32, p % 32)
        let distance = max(abs(y - Int(down)), abs(x - Int(right)))
        let isMark = isMarked(number) && y >= 25 && x < 7
        let shade = UInt8(isMark ? 250 : max(0, 180 - 20 * distance))
        return [shade, shade, shade]
      }
      try Image(width: 32, height: 32, pixels: pixels).write(to: "\(folder)/\(number).png")
    }
  }

  /// The same of sounds: short tones at any time and frequency, and a hum below.
  static func sounds(in folder: String) throws {
    var random = SeededRandom(seed: 6)
    for number in 0..<40 {
      let start = Int(random.next(upperBound: UInt64(3000)))
      let pitch = 800 + Float(random.next(upperBound: UInt64(2400)))
      let samples = (0..<4000).map { i -> Float in
        func tone(_ frequency: Float) -> Float {
          let turns = frequency * Float(i) / 8000
          let share = turns - turns.rounded(.down)
          return share < 0.5 ? 16 * share * (0.5 - share) : -16 * (share - 0.5) * (1 - share)
        }
        let blip = (start..<start + 1000).contains(i) ? tone(pitch) : 0
        return 0.3 * (blip + (isMarked(number) ? tone(150) : 0)) + 0.0001 * random.normal()
      }
      try Sound(rate: 8000, samples: samples).write(to: "\(folder)/\(number).wav")
    }
  }

  static func isMarked(_ number: Int) -> Bool { number < 24 && number.isMultiple(of: 2) }
}

@Suite("judge")
struct JudgeTests {
  /// Six pictures of the labels of the model `sigmoid`, with a mask for every label in its folder.
  private func withData(_ body: (_ folder: String) throws -> Void) throws {
    try Repository.withFolder { folder in
      let labels = Array(try Model(contentsOf: SmallModel.sigmoid).labels.prefix(3))
      try FileManager.default.createDirectory(
        atPath: folder + "/pictures", withIntermediateDirectories: true)
      var table = "path,labels,split\n"
      for i in 0..<6 {
        let (width, height) = (48, 36)
        var pixels = [UInt8](repeating: UInt8(40 + 10 * i), count: width * height * 3)
        for y in 8..<20 { for x in (4 + i)..<(20 + i) { pixels[(y * width + x) * 3] = 250 } }
        try Image(width: width, height: height, pixels: pixels)
          .write(to: "\(folder)/pictures/\(i).png")
        let own = i < 4 ? [labels[0], labels[1]] : [labels[i % 2]]
        table += "pictures/\(i).png,\(own.joined(separator: "|")),testing\n"
        for label in own {
          let place = "\(folder)/masks/\(label)"
          try FileManager.default.createDirectory(
            atPath: place, withIntermediateDirectories: true)
          var mask = [UInt8](repeating: 0, count: width * height * 3)
          for y in 8..<20 {
            for x in (4 + i)..<(20 + i) {
              for c in 0..<3 { mask[(y * width + x) * 3 + c] = 255 }
            }
          }
          try Image(width: width, height: height, pixels: mask).write(to: "\(place)/\(i).png")
        }
      }
      // A label that none of the pictures has still is a label of the data.
      let all = try Model(contentsOf: SmallModel.sigmoid).labels
      table += "pictures/missing.png,\(all.joined(separator: "|")),training\n"
      try Data(table.utf8).write(to: URL(filePath: folder + "/data.csv"))
      try body(folder)
    }
  }

  private func judge(_ folder: String, _ more: String...) -> Outcome {
    Outcome(
      [
        "judge", "--model", SmallModel.sigmoid, "--data", folder + "/data.csv", "--split",
        "testing", "--methods", "gradcam,saliency", "--output", folder + "/out", "--resamples",
        "50",
      ] + more)
  }

  @Test("judges by masks, writes everything, and goes on where it ended")
  func whole() throws {
    try withData { folder in
      let masks = ["--masks", folder + "/masks"]
      let first = judge(folder, masks[0], masks[1])
      #expect(first.status == .done, "\(first.diagnostics)")
      #expect(first.output.contains("6 inputs, 2 labels") && first.output.contains("mIoU ↑"))
      let files = ["json", "csv", "maps.csv", "html", "pdf", "journal"].map { "judge." + $0 }
      for name in files { #expect(FileManager.default.fileExists(atPath: folder + "/out/" + name)) }
      let text = try String(contentsOfFile: folder + "/out/judge.json", encoding: .utf8)
      let document = try JSONReader.parse(text)
      #expect(try JSONSchema(named: "judge.json").problems(of: document) == [])
      #expect(document["inputs"] == .integer(6))
      #expect(
        document["methods"]?.elements.compactMap { $0["name"]?.string }
          == ["gradcam", "saliency", "centre", "edges"])
      #expect(document["ranking"]?["measure"]?.string == "iou")
      #expect(document["ranking"]?["pairs"]?.elements.count == 6)
      let measures = document["measures"]?.elements.compactMap { $0["name"]?.string } ?? []
      #expect(
        measures == ["pointing", "hit", "iou", "inside", "sparseness", "seconds"])
      let maps = try String(contentsOfFile: folder + "/out/judge.maps.csv", encoding: .utf8)
      // Ten labels of six pictures, four methods.
      #expect(maps.split(separator: "\n").count == 41)
      let page = try String(contentsOfFile: folder + "/out/judge.html", encoding: .utf8)
      #expect(page.contains("The best and the worst pictures") && !page.contains("http"))

      // The second run computes nothing and says the same.
      let journal = try Data(contentsOf: URL(filePath: folder + "/out/judge.journal"))
      let second = judge(folder, masks[0], masks[1])
      #expect(second.output == first.output)
      #expect(second.diagnostics.contains("6 of 6 inputs are in the journal already"))
      #expect(try Data(contentsOf: URL(filePath: folder + "/out/judge.journal")) == journal)

      // A line that was torn is computed again; the numbers are the same but for time.
      try journal.dropLast(100).write(to: URL(filePath: folder + "/out/judge.journal"))
      let third = judge(folder, masks[0], masks[1], "--json")
      #expect(third.status == .done)
      #expect(
        try JSONReader.parse(third.output)["ranking"] == document["ranking"])

      // Another mask counts anew.
      let pixels = (0..<48 * 36 * 3).map { $0 < 48 * 3 ? UInt8(255) : 0 }
      try Image(width: 48, height: 36, pixels: pixels).write(
        to: "\(folder)/masks/\(try Model(contentsOf: SmallModel.sigmoid).labels[0])/0.png")
      let fourth = judge(folder, masks[0], masks[1], "--json")
      #expect(
        try JSONReader.parse(fourth.output)["overall"] != document["overall"])
    }
  }

  @Test("a journal of other options, and a broken one, are one clear error each")
  func journal() throws {
    try withData { folder in
      #expect(judge(folder, "--measures", "none").status == .done)
      judge(folder, "--measures", "curves").expectFailure(
        "judge.journal", "other options")
      let path = URL(filePath: folder + "/out/judge.journal")
      var lines = try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
      lines[2] = "{\"picture\": 7}"
      try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: path)
      judge(folder, "--measures", "none").expectFailure("line 3 is damaged", "remove the file")
      // A label that the model does not have.
      lines[2] = lines[1]
      lines[1] = Substring(lines[1].replacing("\"label\":", with: "\"label\":99"))
      try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: path)
      judge(folder, "--measures", "none").expectFailure("line 2 is damaged")
      try Data("no journal\n".utf8).write(to: path)
      judge(folder, "--measures", "none").expectFailure("line 1 is damaged")
    }
  }

  @Test("rows of one picture are taken together, and missing files are told")
  func rowsOfOnePicture() throws {
    try withData { folder in
      let labels = Array(try Model(contentsOf: SmallModel.sigmoid).labels.prefix(3))
      let path = URL(filePath: folder + "/data.csv")
      var table = try String(contentsOf: path, encoding: .utf8)
      table += "pictures/4.png,\(labels[1]),testing\npictures/gone.png,\(labels[0]),testing\n"
      try Data(table.utf8).write(to: path)
      #expect(judge(folder, "--measures", "none", "--labels", labels[1]).status == .done)
      let text = try String(contentsOf: URL(filePath: folder + "/out/judge.json"), encoding: .utf8)
      let document = try JSONReader.parse(text)
      let notes = document["notes"]?.elements.compactMap(\.string) ?? []
      #expect(notes.contains { $0.hasPrefix("1 row names a picture again") }, "\(notes)")
      #expect(notes.contains("1 file of the list's 8 is missing"), "\(notes)")
      // Picture 4 has the label by its second row alone.
      #expect(document["inputs"] == .integer(6))
    }
  }

  @Test("without masks maps are judged by the model, with all that costs something")
  func withoutMasks() throws {
    try withData { folder in
      let outcome = judge(folder, "--measures", "all", "--pictures", "1", "--json")
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      let document = try JSONReader.parse(outcome.output)
      #expect(document["ranking"]?["measure"]?.string == "road")
      let measures = document["measures"]?.elements.compactMap { $0["name"]?.string } ?? []
      let expected: [MapMeasure] = [
        .insertion, .deletion, .difference, .roadLeast, .roadMost, .road, .infidelity,
        .sensitivity, .randomization, .stability, .sparseness, .seconds,
      ]
      #expect(measures == expected.map(\.rawValue))
      let notes = document["notes"]?.elements.compactMap(\.string) ?? []
      #expect(notes.contains { $0.contains("without --masks") })
      #expect(notes.contains { $0.hasSuffix("pictures, drawn by the seed") })
      #expect(document["advice"]?.string?.contains("too few") == true)
    }
  }

  @Test("masks of other proportions and of nothing are told, and the rest is judged")
  func badMasks() throws {
    try withData { folder in
      let label = try Model(contentsOf: SmallModel.sigmoid).labels[0]
      try Image(width: 36, height: 48, filledWith: RGB(255, 255, 255)).write(
        to: "\(folder)/masks/\(label)/0.png")
      try Image(width: 48, height: 36, filledWith: RGB(0, 0, 0)).write(
        to: "\(folder)/masks/\(label)/1.png")
      try FileManager.default.removeItem(atPath: "\(folder)/masks/\(label)/2.png")
      let outcome = judge(folder, "--masks", folder + "/masks")
      #expect(outcome.status == .done)
      #expect(outcome.output.contains("2 masks could not be used, such as"))
      #expect(outcome.output.contains("other proportions"))
      #expect(outcome.output.contains("marks no region: all of it is zero"))
      #expect(outcome.output.contains("1 of 10 labels have no mask"))
    }
  }

  @Test("masks of which none can be used are an error, unless something else ranks")
  func noMask() throws {
    try withData { folder in
      try FileManager.default.createDirectory(
        atPath: folder + "/white", withIntermediateDirectories: true)
      for i in 0..<6 {
        try Image(width: 48, height: 36, filledWith: RGB(255, 255, 255)).write(
          to: "\(folder)/white/\(i).png")
      }
      judge(folder, "--masks", folder + "/white").expectFailure(
        "none of the labels has a mask that can be used", "marks all of the picture")
      let outcome = judge(
        folder, "--masks", folder + "/white", "--measures", "curves", "--pictures", "1",
        "--output", folder + "/curves")
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      #expect(outcome.output.contains("masks could not be used"))
    }
  }

  @Test(
    "the advice is right of a network whose evidence is known, and says so where masks are wrong")
  func advice() throws {
    try Repository.withFolder { folder in
      try Marked.pictures(in: folder)
      let inputs = (0..<40).filter(Marked.isMarked)
      let lines = inputs.map { "\($0).png,marked,testing\n" } + ["1.png,plain,training\n"]
      try Data(("path,labels,split\n" + lines.joined()).utf8)
        .write(to: URL(filePath: folder + "/data.csv"))
      // At the mark, and where the network hardly looks.
      for (name, rows, columns) in [("right", 25..<32, 0..<7), ("wrong", 0..<7, 25..<32)] {
        try FileManager.default.createDirectory(
          atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        let mask = (0..<32 * 32).flatMap { p -> [UInt8] in
          let isIn = rows.contains(p / 32) && columns.contains(p % 32)
          return [UInt8](repeating: isIn ? 255 : 0, count: 3)
        }
        for input in inputs {
          try Image(width: 32, height: 32, pixels: mask)
            .write(to: "\(folder)/\(name)/\(input).png")
        }
      }
      func judge(_ masks: String) throws -> JSON {
        let outcome = Outcome(
          "judge", "--model", SmallModel.marked, "--data", folder + "/data.csv", "--split",
          "testing", "--methods", "hirescam,inputxgradient,eigencam,occlusion", "--masks",
          "\(folder)/\(masks)", "--output", "\(folder)/out-\(masks)", "--json")
        #expect(outcome.status == .done, "\(outcome.diagnostics)")
        return try JSONReader.parse(outcome.output)
      }
      let right = try judge("right")
      let advice = try #require(right["advice"]?.string)
      // Both divide the logit exactly; Eigen-CAM shows what is bright, mark or not.
      #expect(
        advice.hasPrefix("For this model use HiResCAM")
          || advice.hasPrefix("For this model use Input × gradient"), "\(advice)")
      #expect(!advice.contains("not told apart from it: Eigen-CAM"), "\(advice)")
      let wrong = try #require(judge("wrong")["advice"]?.string)
      #expect(wrong.hasPrefix("Do not rely on these maps"), "\(wrong)")
    }
  }

  @Test("a logit below zero of a label that is found is told: only differences count")
  func belowZero() throws {
    try Repository.withFolder { folder in
      for name in ["a", "b"] {
        try Image(width: 32, height: 32, filledWith: RGB(90, 90, 90)).write(
          to: "\(folder)/\(name).png")
      }
      try Data("path,label,split\na.png,marked,testing\nb.png,plain,testing\n".utf8)
        .write(to: URL(filePath: folder + "/data.csv"))
      let judged = Outcome(
        "judge", "--model", SmallModel.belowZero, "--data", folder + "/data.csv", "--split",
        "testing", "--methods", "gradcam,rise", "--samples", "50", "--measures", "none", "--output",
        folder + "/out")
      #expect(judged.status == .done, "\(judged.diagnostics)")
      #expect(judged.output.contains("1 of 2 labels are found though their logits are negative"))
      func isTold(_ target: String) -> Bool {
        Outcome(
          "explain", folder + "/a.png", "--model", SmallModel.belowZero, "--target", target,
          "--output", folder + "/out"
        ).output.contains("only differences of logits count")
      }
      #expect(isTold("marked"))
      #expect(!isTold("marked-vs-plain") && !isTold("plain"))
    }
  }

  @Test("what does not fit is one line")
  func badInput() throws {
    try withData { folder in
      judge(folder, "--labels", "Cardiomegally").expectFailure("has no label Cardiomegally")
      judge(folder, "--rank-by", "road").expectFailure("add --measures road")
      judge(folder, "--rank-by", "iou").expectFailure("give --masks")
      judge(folder, "--masks", folder + "/nowhere").expectFailure("no such file")
      judge(folder, "--split", "validation").expectFailure("has no samples for validation")
      for wrong in [["--measures", "luck"], ["--rank-by", "luck"], ["--pictures", "0"]] {
        #expect(judge(folder, wrong[0], wrong[1]).status == .wrongUsage, "\(wrong)")
      }
      // A label that no picture has is told; alone, there is nothing.
      let labels = try Model(contentsOf: SmallModel.sigmoid).labels
      let some = judge(folder, "--labels", "\(labels[0]),\(labels[9])", "--measures", "none")
      #expect(some.output.contains("without a picture that has them: \(labels[9])"))
      judge(folder, "--labels", labels[9]).expectFailure("has one of the labels")
    }
  }
}

@Suite("survey")
struct SurveyCommandTests {
  @Test("groups the maps of every label, writes everything, and goes on where it ended")
  func whole() throws {
    try Repository.withFolder { folder in
      let labels = try Model(contentsOf: SmallModel.sigmoid).labels
      try FileManager.default.createDirectory(
        atPath: folder + "/pictures", withIntermediateDirectories: true)
      var table = "path,labels,split\n"
      for i in 0..<12 {
        var pixels = [UInt8](repeating: 90, count: 40 * 40 * 3)
        for p in 0..<200 { pixels[(p * 37 + 401 * i) % pixels.count] = UInt8(255 - i) }
        try Image(width: 40, height: 40, pixels: pixels)
          .write(to: "\(folder)/pictures/\(i).png")
        table += "pictures/\(i).png,\(labels[i % 2])|\(labels[2]),testing\n"
      }
      table += "pictures/missing.png,\(labels.joined(separator: "|")),training\n"
      try Data(table.utf8).write(to: URL(filePath: folder + "/data.csv"))
      func survey(_ more: String...) -> Outcome {
        Outcome(
          [
            "survey", "--model", SmallModel.sigmoid, "--data", folder + "/data.csv", "--split",
            "testing", "--output", folder + "/out",
          ] + more)
      }
      let first = survey()
      #expect(first.status == .done, "\(first.diagnostics)")
      #expect(first.output.contains("12 inputs, 3 labels"))
      for name in ["json", "csv", "html", "pdf", "journal"] {
        #expect(FileManager.default.fileExists(atPath: folder + "/out/survey." + name))
      }
      let document = try JSONReader.parse(
        String(contentsOfFile: folder + "/out/survey.json", encoding: .utf8))
      #expect(try JSONSchema(named: "survey.json").problems(of: document) == [])
      let counts = document["labels"]?.elements.compactMap { $0["inputs"]?.double }
      #expect(counts == [6, 6, 12])
      let groups = document["labels"]?.elements.last?["groups"]?.elements ?? []
      #expect(groups.flatMap { $0["inputs"]?.elements ?? [] }.count == 12)
      let second = survey("--json")
      #expect(try JSONReader.parse(second.output) == document)
      #expect(survey("--method", "gradcam,ig").status == .wrongUsage)
      survey("--seed", "1").expectFailure("survey.journal", "other options")
    }
  }
  @Test(
    "a mark and a hum are found, listed, left out, and then no more found",
    arguments: [SmallModel.marked, SmallModel.humming], ["hirescam", "inputxgradient"])
  func shortcut(model: String, method: String) throws {
    try Repository.withFolder { folder in
      let isSound = model == SmallModel.humming
      try isSound ? Marked.sounds(in: folder) : Marked.pictures(in: folder)
      let lines = (0..<40).map {
        "\($0).\(isSound ? "wav" : "png"),\($0 < 24 ? "marked" : "plain"),testing\n"
      }
      try Data(("path,labels,split\n" + lines.joined()).utf8)
        .write(to: URL(filePath: folder + "/data.csv"))
      func survey(_ output: String, _ more: String...) throws -> (Outcome, listed: [String]) {
        let outcome = Outcome(
          [
            "survey", "--model", model, "--data", folder + "/data.csv", "--split", "testing",
            "--method", method, "--output", "\(folder)/\(output)",
          ] + more)
        let list = try String(
          contentsOfFile: "\(folder)/\(output)/survey.suspicious.csv", encoding: .utf8)
        return (outcome, list.split(separator: "\n").map(String.init))
      }
      let (found, listed) = try survey("first")
      #expect(found.status == .done, "\(found.diagnostics)")
      // All that are marked, and at most one whose something lies at the same place.
      let count = listed.count - 1
      #expect(12...13 ~= count)
      #expect(
        found.output.contains("Look at marked: in \(count) of 24 inputs"), "\(found.output)")
      #expect(
        found.output.contains(isSound ? "at all times, 200 Hz" : "bottom left"), "\(found.output)")
      #expect(listed.first == "path,label,place")
      let names = listed.dropFirst().compactMap { line in
        line.split(separator: ",").first?.split(separator: "/").last?.split(separator: ".").first
      }
      #expect(Set(names.compactMap { Int($0) }).isSuperset(of: (0..<40).filter(Marked.isMarked)))
      let (second, rest) = try survey(
        "second", "--leave-out", folder + "/first/survey.suspicious.csv")
      #expect(second.output.contains("\(40 - count) inputs") && rest == ["path,label,place"])
      #expect(second.output.contains("no sign of a shortcut"), "\(second.output)")
      // A list of nothing leaves nothing out, and a list of other data is told.
      let third = Outcome(
        "dataset", folder + "/data.csv", "--names-only", "--leave-out",
        folder + "/first/survey.suspicious.csv", "--leave-out",
        folder + "/second/survey.suspicious.csv")
      #expect(third.output.contains("first/survey.suspicious.csv: \(count) files"))
      #expect(third.output.contains("second/survey.suspicious.csv: 0 files"))
      #expect(third.output.contains("\(40 - count) \(isSound ? "sounds" : "pictures")"))
    }
  }
}
