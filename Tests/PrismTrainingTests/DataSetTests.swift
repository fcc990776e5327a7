import Foundation
import PrismFiles
import PrismMedia
import PrismTestSupport
import PrismTraining
import Testing

@Suite("data sets")
struct DataSetTests {
  /// Makes empty files: a data set is recognised by names.
  private func touch(_ names: [String], in folder: String) throws {
    for name in names {
      let path = "\(folder)/\(name)"
      let parent = String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
      try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
      try AtomicFile.write("", to: path)
    }
  }

  private func failure(_ body: () throws -> DataSet) -> String {
    do {
      _ = try body()
      return ""
    } catch {
      return "\(error)"
    }
  }

  @Test("a folder for every class is divided 80/10/10, each class by itself")
  func classFolders() throws {
    try Repository.withFolder { folder in
      let names = ["cat", "dog", "owl"].flatMap { label in
        (0..<20).map { "\(label)/\($0).png" }
      }
      try touch(names + ["cat/notes.txt", ".hidden/a.png"], in: folder)
      let data = try DataSet.open(folder)
      #expect(data.layout == .classFolders && data.contents == .pictures)
      #expect(data.labels == ["cat", "dog", "owl"] && !data.isMultiLabel)
      #expect(data.splits.map(\.name) == ["training", "validation", "testing"])
      for (split, count) in zip(data.splits, [16, 2, 2]) {
        #expect(split.counts(of: 3) == [count, count, count])
      }
      let all = data.splits.flatMap { $0.samples.map(\.path) }
      #expect(Set(all).count == 60)
      let again = try DataSet.open(folder)
      #expect(again.splits.map(\.samples) == data.splits.map(\.samples))
      var options = DataSet.Options()
      options.seed = 1
      let other = try DataSet.open(folder, options: options)
      #expect(other.splits.map(\.samples) != data.splits.map(\.samples))
    }
  }

  @Test("files that lists name are left out, wherever their paths begin")
  func leftOut() throws {
    try Repository.withFolder { folder in
      let names = (0..<6).map { "train/a/\($0).png" } + ["train/b/1.png", "train/b/2.png"]
      try touch(names, in: folder)
      func open(_ lists: [String]) throws -> DataSet {
        var options = DataSet.Options()
        options.leftOut = lists.map { "\(folder)/\($0)" }
        return try DataSet.open(folder, options: options)
      }
      func write(_ name: String, _ lines: String...) throws {
        try AtomicFile.write(lines.joined(separator: "\n") + "\n", to: "\(folder)/\(name)")
      }
      let all = try open([])
      try write("one.csv", "label,path", "a,train/a/0.png", "a,./train/x/../a/0.png", "b,gone.png")
      try write("two.csv", "path", "\(folder)/train/b/2.png", "train/a/0.png")
      let data = try open(["one.csv", "two.csv"])
      let paths = Set(data.splits.flatMap { $0.samples.map(\.path) })
      #expect(
        paths
          == Set(
            ["1", "2", "3", "4", "5"].map { "\(folder)/train/a/\($0).png" }
              + ["\(folder)/train/b/1.png"]))
      #expect(data.labels == all.labels && data.listDigest != all.listDigest)
      #expect(data.notes.count == all.notes.count + 2)
      #expect(
        data.notes.contains {
          $0.hasSuffix("one.csv: 1 file; 1 more of its lines name no file of the data")
        })
      try write("none.csv", "path,label")
      #expect(try open(["none.csv"]).splits == all.splits)
      try write("foreign.csv", "path", "elsewhere/a.png")
      #expect(failure { try open(["foreign.csv"]) }.contains("none of the files that it names"))
      try write("survey.csv", "input,suspicious", "train/a/0.png,0")
      #expect(failure { try open(["survey.csv"]) }.contains("has no column \"path\""))
    }
  }

  @Test("the layout of Fake-or-Real keeps its split, and fake is what is looked for")
  func splitFolders() throws {
    try Repository.withFolder { folder in
      try touch(
        [
          "training/real/a.wav", "training/real/b.wav", "training/fake/c.wav",
          "validation/real/d.wav", "validation/fake/e.wav", "testing/fake/f.wav",
        ], in: folder)
      let data = try DataSet.open(folder)
      #expect(data.layout == .splitFolders && data.contents == .sounds)
      #expect(data.labels == ["real", "fake"])
      #expect(data.splits.map { $0.counts(of: 2) } == [[2, 1], [1, 1], [0, 1]])
      var options = DataSet.Options()
      options.positive = "real"
      #expect(try DataSet.open(folder, options: options).labels == ["fake", "real"])
      options.positive = "reel"
      #expect(failure { try DataSet.open(folder, options: options) }.contains("fake, real"))
    }
  }

  @Test("without a validation split a tenth of training becomes one")
  func missingValidation() throws {
    try Repository.withFolder { folder in
      try touch(
        ["a", "b"].flatMap { label in (0..<10).map { "train/\(label)/\($0).jpg" } }
          + ["test/a/1.jpg"], in: folder)
      let data = try DataSet.open(folder)
      #expect(data.splits.map(\.name) == ["training", "validation", "testing"])
      #expect(data.splits.map { $0.counts(of: 2) } == [[9, 9], [1, 1], [1, 0]])
      #expect(data.notes.count == 1)
    }
  }

  @Test("folders that teach nothing are refused with a reason")
  func badFolders() throws {
    try Repository.withFolder { folder in
      #expect(failure { try DataSet.open(folder) }.contains("holds no pictures"))
      try touch(["1.png", "2.wav"], in: folder)
      #expect(throws: DataSetError.withoutClasses(folder, count: 2)) {
        try DataSet.open(folder)
      }
      try touch(["cat/1.png", "cat/2.png"], in: folder)
      #expect(try DataSet.open(folder).labels == ["cat"])
      try touch(["dog/1.wav"], in: folder)
      #expect(failure { try DataSet.open(folder) }.contains("pictures and sounds"))
    }
    #expect(failure { try DataSet.open("/nonexistent") }.contains("no such file"))
  }

  @Test("a picture or a sound is no list", arguments: ["one.png", "one.wav"])
  func noList(_ name: String) throws {
    try Repository.withFolder { folder in
      try touch([name], in: folder)
      let path = "\(folder)/\(name)"
      #expect(throws: DataSetError.noList(path, name == "one.wav" ? .sounds : .pictures)) {
        try DataSet.open(path)
      }
    }
  }

  @Test("a CSV of paths and labels")
  func table() throws {
    try Repository.withFolder { folder in
      try touch(["a.png", "b c.png"], in: folder)
      let path = folder + "/list.csv"
      try AtomicFile.write(
        "\u{FEFF}split,Path,label\r\ntrain,a.png,cat\r\nval,\"b c.png\",\"dog, large\"\r\ntest,d.png,cat\r\n",
        to: path)
      let data = try DataSet.open(path)
      #expect(data.layout == .table && data.labels == ["cat", "dog, large"])
      #expect(data.splits.map { $0.samples.count } == [1, 1, 0])
      #expect(data.splits[2].missing.map(\.path) == [folder + "/d.png"])

      try AtomicFile.write("path,labels\na.png,cat|dog\nb c.png,\n", to: path)
      let several = try DataSet.open(path)
      #expect(several.isMultiLabel && several.labels == ["cat", "dog"])
      let truths = several.splits.flatMap(\.samples).map(\.truth)
      #expect(truths.contains(.labels([1, 1])) && truths.contains(.labels([0, 0])))
    }
  }

  @Test(
    "a CSV that cannot be meant is refused with its line",
    arguments: [
      ("", "the file is empty"),
      ("path,kind\na.png,cat\n", "no column \"label\"; its columns are path, kind"),
      ("name,label\na.png,cat\n", "no column \"path\""),
      ("path,label\na.png,cat\nb.png\n", "line 3: has 1 cells"),
      ("path,label\na.png,\n", "line 2: \"\" in the column \"label\""),
      ("path,label,split\na.png,cat,holiday\n", "line 2: \"holiday\""),
      ("path,label\n\"a.png,cat\n", "quotation is not closed"),
    ])
  func badTables(_ text: String, _ reason: String) throws {
    try Repository.withFolder { folder in
      let path = folder + "/list.csv"
      try AtomicFile.write(text, to: path)
      let message = failure { try DataSet.open(path) }
      #expect(message.contains(reason), "\(message)")
      #expect(!message.contains("\n"))
    }
  }

  // MARK: - CheXpert

  private static let excerpt = Repository.fixtures + "chexpert_excerpt.csv"

  /// The counts are pandas'; `Tools/fixtures/chexpert.py` prints them.
  @Test(
    "the counts of an excerpt of CheXpert are pandas' under every policy",
    arguments: [
      (DataSet.Uncertainty.ones, CheXpertCounts.ones), (.zeros, CheXpertCounts.zeros),
      (.ignore, CheXpertCounts.zeros),
    ])
  func cheXpert(_ policy: DataSet.Uncertainty, _ expected: [Int]) throws {
    var options = DataSet.Options()
    options.uncertainty = policy
    let data = try DataSet.open(Self.excerpt, options: options)
    #expect(data.layout == .cheXpert && data.isMultiLabel && data.labels.count == 14)
    func sum(_ counts: (DataSet.Split) -> [Int]) -> [Int] {
      data.splits.map(counts).reduce([Int](repeating: 0, count: 14)) { zip($0, $1).map(+) }
    }
    #expect(sum { $0.counts(of: 14) } == expected)
    #expect(
      sum { $0.unknownCounts(of: 14) }
        == (policy == .ignore ? CheXpertCounts.uncertain : [Int](repeating: 0, count: 14)))
    #expect(data.splits.reduce(0) { $0 + $1.missing.count } == CheXpertCounts.frontal)
    #expect(data.splits.allSatisfy { $0.samples.isEmpty })
    options.includesLateral = true
    let all = try DataSet.open(Self.excerpt, options: options)
    #expect(all.splits.reduce(0) { $0 + $1.missing.count } == CheXpertCounts.rows)
  }

  @Test("no patient of CheXpert is in two splits")
  func patients() throws {
    let data = try DataSet.open(Self.excerpt)
    let patients = data.splits.map { split in
      Set(
        split.missing.compactMap { $0.path.split(separator: "/").first { $0.hasPrefix("patient") } }
      )
    }
    #expect(patients.allSatisfy { !$0.isEmpty })
    for (i, j) in [(0, 1), (0, 2), (1, 2)] { #expect(patients[i].isDisjoint(with: patients[j])) }
  }

  @Test("a CheXpert CSV with an unknown value or without a column is refused")
  func badCheXpert() throws {
    let text = try String(contentsOfFile: Self.excerpt, encoding: .utf8)
    try Repository.withFolder { folder in
      let path = folder + "/train.csv"
      var lines = text.split(separator: "\n").map(String.init)
      lines[4] =
        "CheXpert-v1.0-small/train/patient00009/study1/view1_frontal.jpg,Male,5,Frontal,AP,,,,,,2.0,,,,,,,,"
      try AtomicFile.write(lines.joined(separator: "\n"), to: path)
      // The folder that holds the CSV is recognised too.
      let message = failure { try DataSet.open(folder) }
      #expect(message.contains("line 5: \"2.0\" in the column \"Edema\""), "\(message)")
      try AtomicFile.write(
        lines.map {
          $0.split(separator: ",", omittingEmptySubsequences: false).dropLast().joined(
            separator: ",")
        }
        .joined(separator: "\n"), to: path)
      #expect(failure { try DataSet.open(folder) }.contains("no column \"Support Devices\""))
    }
  }

  @Test("pictures that are there are found below the CSV or below its parent")
  func found() throws {
    let text = try String(contentsOfFile: Self.excerpt, encoding: .utf8)
    let first = try #require(
      text.split(separator: "\n").dropFirst().first { $0.contains(",Frontal,") }?.split(
        separator: ","
      ).first)
    try Repository.withFolder { folder in
      try touch([String(first)], in: folder)
      let inside = folder + "/CheXpert-v1.0-small/train.csv"
      try AtomicFile.write(text, to: inside)
      let data = try DataSet.open(folder + "/CheXpert-v1.0-small")
      #expect(data.splits.reduce(0) { $0 + $1.samples.count } == 1)
      #expect(data.splits.reduce(0) { $0 + $1.missing.count } == CheXpertCounts.frontal - 1)
    }
  }
}
