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
      try Image(width: 48, height: 36, filledWith: RGB(255, 255, 255)).write(
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
      try Data("no journal\n".utf8).write(to: path)
      judge(folder, "--measures", "none").expectFailure("line 1 is damaged")
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
  /// Forty pictures with something bright anywhere; of the label `marked` are the first 24, of which
  /// every second has a mark at the bottom left.
  private func pictures(in folder: String) throws {
    var random = SeededRandom(seed: 5)
    for number in 0..<40 {
      let (top, left) = (random.next(upperBound: UInt64(25)), random.next(upperBound: UInt64(25)))
      let pixels = (0..<32 * 32).flatMap { p -> [UInt8] in
        let (y, x) = (p / 32, p % 32)
        let isBright =
          (Int(top)..<Int(top) + 8).contains(y) && (Int(left)..<Int(left) + 8).contains(x)
        let isMark = isMarked(number) && y >= 25 && x < 7
        let shade = UInt8(isBright || isMark ? 230 : random.next(upperBound: UInt64(10)))
        return [shade, shade, shade]
      }
      try Image(width: 32, height: 32, pixels: pixels).write(to: "\(folder)/\(number).png")
    }
  }

  /// The same of sounds: short tones at any time and frequency, and a hum below.
  private func sounds(in folder: String) throws {
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

  private func isMarked(_ number: Int) -> Bool { number < 24 && number.isMultiple(of: 2) }

  @Test(
    "a mark and a hum are found, listed, left out, and then no more found",
    arguments: [SmallModel.marked, SmallModel.humming], ["hirescam", "inputxgradient"])
  func shortcut(model: String, method: String) throws {
    try Repository.withFolder { folder in
      let isSound = model == SmallModel.humming
      try isSound ? sounds(in: folder) : pictures(in: folder)
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
      #expect(found.output.contains("Look at marked: in 12 of 24 inputs"), "\(found.output)")
      #expect(
        found.output.contains(isSound ? "at all times, 150 Hz" : "bottom left"), "\(found.output)")
      #expect(listed.first == "path,label,place")
      let names = listed.dropFirst().compactMap { line in
        line.split(separator: ",").first?.split(separator: "/").last?.split(separator: ".").first
      }
      #expect(Set(names.compactMap { Int($0) }) == Set((0..<40).filter(isMarked)))
      let (second, rest) = try survey(
        "second", "--leave-out", folder + "/first/survey.suspicious.csv")
      #expect(second.output.contains("28 inputs") && rest == ["path,label,place"])
      #expect(second.output.contains("no sign of a shortcut"), "\(second.output)")
      // A list of nothing leaves nothing out, and a list of other data is told.
      let third = Outcome(
        "dataset", folder + "/data.csv", "--names-only", "--leave-out",
        folder + "/first/survey.suspicious.csv", "--leave-out",
        folder + "/second/survey.suspicious.csv")
      #expect(third.output.contains("first/survey.suspicious.csv: 12 files"))
      #expect(third.output.contains("second/survey.suspicious.csv: 0 files"))
      #expect(third.output.contains("28 \(isSound ? "sounds" : "pictures")"))
    }
  }
}
