import Foundation
import PrismFiles
import PrismMedia
import PrismTestSupport
import PrismTraining
import Testing

/// What a data set leaves out or has twice is named.
@Suite("findings in data sets")
struct DataSetFindingTests {
  private func picture(_ shade: Int, at path: String) throws {
    try Folders.make(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
    let color = RGB(UInt8(shade % 256), UInt8(shade / 256), 7)
    try Image(width: 4, height: 4, filledWith: color).write(to: path)
  }

  private func items(
    _ kind: DataSet.Finding.Kind, _ data: DataSet
  ) -> [DataSet.Finding.Item] {
    data.findings.first { $0.kind == kind }?.items ?? []
  }

  private func names(_ kind: DataSet.Finding.Kind, _ data: DataSet) -> [String] {
    items(kind, data).map { String($0.path.split(separator: "/").last ?? "") }
  }

  @Test("empty, hidden and unreadable classes, other formats and strange names are each named")
  func leftOut() throws {
    try Repository.withFolder { folder in
      for i in 0..<4 {
        try picture(i, at: "\(folder)/red/\(i).png")
        try picture(100 + i, at: "\(folder)/blue/\(i).png")
      }
      try Folders.make(folder + "/yellow")
      for i in 0..<3 {
        try Folders.make(folder + "/green")
        try AtomicFile.write("GIF89a\(i)", to: "\(folder)/green/\(i).gif")
        try picture(i, at: "\(folder)/.secret/\(i).png")
      }
      try AtomicFile.write("a note", to: folder + "/red/notes.txt")
      try picture(77, at: folder + "/beside.png")
      // What a name does not say, the contents do.
      try picture(200, at: folder + "/red/scan.png")
      try FileManager.default.moveItem(
        atPath: folder + "/red/scan.png", toPath: folder + "/red/scan.data")
      try Self.makeFile(named: [0x72, 0xE9, 0x64, 0x2E, 0x70, 0x6E, 0x67], in: folder + "/red")
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/blue/gone.png", withDestinationPath: "nowhere")

      let data = try DataSet.open(folder)
      #expect(data.labels == ["blue", "red"])
      #expect(data.split("all")?.counts(of: 2) == [4, 5])
      #expect(names(.emptyClass, data) == ["green", "yellow"])
      #expect(
        items(.emptyClass, data).map(\.reason) == [
          "of its 3 entries none can be read", "it is empty",
        ])
      #expect(names(.unreadFormat, data) == ["0.gif", "1.gif", "2.gif"])
      #expect(items(.unreadFormat, data).first?.reason == "GIF")
      #expect(names(.hidden, data) == [".secret"])
      #expect(items(.hidden, data).first?.reason == "3 samples in it")
      #expect(names(.otherFile, data) == ["notes.txt"])
      #expect(names(.outsideClasses, data) == ["beside.png"])
      #expect(names(.nameNotUTF8, data) == ["r\\xE9d.png"])
      #expect(names(.notAFile, data) == ["gone.png"])
      #expect(throws: DataSetError.self) {
        try data.usable(skipsBad: false, allowsOverlap: false)
      }
      let rest = try data.usable(skipsBad: true, allowsOverlap: false)
      #expect(rest.split("all")?.samples.count == 9)
    }
  }

  /// A file whose name is any bytes.
  private static func makeFile(named name: [UInt8], in folder: String) throws {
    let path = Array("\(folder)/".utf8) + name + [0]
    let file = path.withUnsafeBufferPointer { bytes in
      bytes.withMemoryRebound(to: CChar.self) { text in
        text.baseAddress.flatMap { fopen($0, "w") }
      }
    }
    try #require(file != nil)
    if let file { fclose(file) }
  }

  @Test("links that lead back end, and what they lead to again is counted once")
  func links() throws {
    try Repository.withFolder { folder in
      try picture(1, at: folder + "/a/one.png")
      try picture(2, at: folder + "/b/two.png")
      func link(_ path: String, _ target: String) throws {
        try FileManager.default.createSymbolicLink(
          atPath: folder + "/" + path, withDestinationPath: folder + "/" + target)
      }
      try link("a/again.png", "a/one.png")
      try link("a/around", "a")
      // Folders that hold two links each to the next: 2³⁰ ways to the last.
      for level in 0..<30 {
        try Folders.make("\(folder)/b/level\(level)")
      }
      for level in 0..<29 {
        try link("b/level\(level)/x", "b/level\(level + 1)")
        try link("b/level\(level)/y", "b/level\(level + 1)")
      }
      let data = try DataSet.open(folder)
      #expect(data.split("all")?.samples.count == 2)
      #expect(names(.linkedTwice, data).contains("one.png"))
      #expect(names(.linkLoop, data) == ["around"])
      #expect(items(.linkedTwice, data).count < 100)
    }
  }

  @Test("the same picture in two splits, under two labels and twice are told apart by contents")
  func duplicates() throws {
    try Repository.withFolder { folder in
      for (i, label) in ["a", "b"].enumerated() {
        for (j, split) in ["training", "validation", "testing"].enumerated() {
          for k in 0..<2 {
            try picture(100 * i + 10 * j + k, at: "\(folder)/\(split)/\(label)/\(k).png")
          }
        }
      }
      try picture(0, at: folder + "/training/a/copy.png")
      try picture(0, at: folder + "/testing/a/leak.png")
      try picture(0, at: folder + "/training/b/wrong.png")
      try AtomicFile.write("no picture", to: folder + "/validation/b/broken.png")
      let data = try DataSet.open(folder)
      #expect(data.findings.isEmpty)
      let inspected = try data.inspected()
      // Each against the first by split and path: the copy in testing comes after those in
      // training.
      #expect(names(.repeated, inspected) == ["copy.png"])
      #expect(names(.acrossSplits, inspected) == ["leak.png"])
      #expect(names(.twoLabels, inspected) == ["wrong.png"])
      #expect(names(.unreadable, inspected) == ["broken.png"])
      func refusal(_ skipsBad: Bool, _ allowsOverlap: Bool) -> String {
        do throws(DataSetError) {
          _ = try inspected.usable(skipsBad: skipsBad, allowsOverlap: allowsOverlap)
          return ""
        } catch { return error.errorDescription ?? "" }
      }
      #expect(refusal(false, true).hasSuffix("go on with --skip-bad"))
      #expect(refusal(true, false).hasSuffix("go on with --allow-overlap"))
      #expect(refusal(true, true) == "")
      let rest = try inspected.usable(skipsBad: true, allowsOverlap: true)
      #expect(rest.split("all")?.samples.count == data.split("all").map { $0.samples.count - 1 })
    }
  }

  @Test("all bad files are found in one pass, and a cancelled task ends it")
  func onePass() async throws {
    let folder = FileManager.default.temporaryDirectory.path + "/prism-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for i in 0..<30 {
      for label in ["a", "b"] {
        try Folders.make("\(folder)/\(label)")
        try AtomicFile.write("\(label)\(i)", to: "\(folder)/\(label)/\(i).png")
      }
    }
    let data = try DataSet.open(folder)
    #expect(items(.unreadable, try data.inspected()).count == 60)
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try data.inspected()
    }
    await #expect(throws: CancellationError.self) { _ = try await task.value }
  }

  @Test("a folder one level too high is told, not trained on")
  func oneLevelHigh() throws {
    func failure(_ folder: String, nested: Bool = false) -> String {
      var options = DataSet.Options()
      options.allowsNesting = nested
      do {
        _ = try DataSet.open(folder, options: options)
        return ""
      } catch { return "\(error)" }
    }
    try Repository.withFolder { folder in
      for split in ["train", "test"] {
        for label in ["cat", "dog"] {
          try picture(1, at: "\(folder)/one/set/\(split)/\(label)/1.png")
          try picture(1, at: "\(folder)/two/set/\(label)/1.png")
          try picture(1, at: "\(folder)/three/\(split)-set/\(label)/1.png")
        }
      }
      #expect(failure(folder + "/one").contains("one level too high; give \(folder)/one/set"))
      #expect(failure(folder + "/two").contains("one level too high; give \(folder)/two/set"))
      let message = failure(folder + "/three")
      #expect(message.contains("test-set, train-set") && message.contains("cat, dog"))
      #expect(message.contains("--nested"))
      #expect(failure(folder + "/three", nested: true) == "")
      #expect(failure(folder + "/one/set") == "")
    }
  }

  @Test("a folder that is only a test set is that, and so is a CSV by its name")
  func onlyTesting() throws {
    try Repository.withFolder { folder in
      for label in ["cat", "dog"] {
        for i in 0..<5 { try picture(i, at: "\(folder)/set/test/\(label)/\(i).png") }
      }
      let data = try DataSet.open(folder + "/set/")
      #expect(data.splits.map(\.name) == ["testing"] && data.splits[0].samples.count == 10)
      #expect(data.dividingSeed == nil)
      // A slash at the end of the path makes no second slash.
      #expect(data.splits[0].samples[0].path == folder + "/set/test/cat/0.png")

      let text = "path,label\n./set/test/cat/0.png,cat\nset/test/dog/0.png,dog\n"
      for (name, split) in [
        ("valid.csv", "validation"), ("test_labels.csv", "testing"), ("my-test.csv", "testing"),
      ] {
        try AtomicFile.write(text, to: "\(folder)/\(name)")
        let table = try DataSet.open("\(folder)/\(name)")
        #expect(table.splits.map(\.name) == [split] && table.splits[0].samples.count == 2)
        #expect(table.splits[0].samples[0].path == folder + "/set/test/cat/0.png")
      }
      try AtomicFile.write(text, to: folder + "/clinic.csv")
      #expect(try DataSet.open(folder + "/clinic.csv").splits.count == 3)
    }
  }

  @Test("CheXpert's official lists are measured as they are")
  func official() throws {
    let text = try String(
      contentsOfFile: Repository.fixtures + "chexpert_excerpt.csv", encoding: .utf8)
    try Repository.withFolder { folder in
      try AtomicFile.write(text, to: folder + "/valid.csv")
      let valid = try DataSet.open(folder + "/valid.csv")
      #expect(valid.splits.map(\.name) == ["validation"] && valid.layout == .cheXpert)
      #expect(valid.splits[0].missing.count == CheXpertCounts.frontal)

      // The test set's list has neither views nor all observations.
      let observations = valid.labels.dropFirst()
      let header = (["Path"] + observations).joined(separator: ",")
      let row = "CheXpert-v1.0/test/patient64741/study1/view1_frontal.jpg"
      let lateral = "CheXpert-v1.0/test/patient64741/study1/view2_lateral.jpg"
      let values = observations.map { $0 == "Edema" ? "1" : "0" }.joined(separator: ",")
      try AtomicFile.write(
        "\(header)\n\(row),\(values)\n\(lateral),\(values)\n", to: folder + "/test_labels.csv")
      let test = try DataSet.open(folder + "/test_labels.csv")
      #expect(test.splits.map(\.name) == ["testing"] && test.splits[0].missing.count == 1)
      #expect(test.splits[0].missing[0].truth.has(0) == nil)
      #expect(test.splits[0].missing[0].truth.has(5) == true)
      #expect(test.notes.contains { $0.contains("No Finding") })
    }
  }

  @Test("a group of any table stays in one split, and one that is torn apart is found")
  func groups() throws {
    try Repository.withFolder { folder in
      var text = "path,label,speaker\n"
      for i in 0..<200 {
        text += "clip\(i).wav,\(i % 2 == 0 ? "real" : "fake"),s\(i % 23)\n"
      }
      let path = folder + "/list.csv"
      try AtomicFile.write(text, to: path)
      let data = try DataSet.open(path)
      let speakers = data.splits.map { split in
        Set(
          split.missing.compactMap {
            $0.path.split(separator: "/").last.flatMap { Int($0.filter(\.isNumber)) }.map {
              $0 % 23
            }
          })
      }
      let counts = data.splits.map { $0.missing.count }
      #expect(counts.reduce(0, +) == 200 && counts[1] >= 20 && counts[2] >= 20)
      #expect(counts[0] >= 140)
      for (i, j) in [(0, 1), (0, 2), (1, 2)] {
        #expect(speakers[i].isDisjoint(with: speakers[j]))
      }
      var options = DataSet.Options()
      options.groupColumn = "patient"
      #expect(throws: DataSetError.self) { try DataSet.open(path, options: options) }

      try AtomicFile.write(
        "path,label,patient,split\na.png,x,p1,train\nb.png,y,p1,test\nc.png,y,p2,test\n", to: path)
      let torn = try DataSet.open(path)
      #expect(items(.groupAcrossSplits, torn).map(\.path) == ["p1"])
    }
  }

  @Test("a file that a table lists twice is told, under two labels too")
  func listedTwice() throws {
    try Repository.withFolder { folder in
      let path = folder + "/list.csv"
      try AtomicFile.write("path,label\na.png,x\na.png,x\nb.png,x\nb.png,y\n", to: path)
      let data = try DataSet.open(path)
      #expect(names(.listedTwice, data) == ["a.png"])
      #expect(names(.twoLabels, data) == ["b.png"])
      #expect(items(.twoLabels, data).first?.reason == "\"x\" and \"y\"")
    }
  }

  @Test("data sets are read as they were written, unknown labels too")
  func codable() throws {
    var options = DataSet.Options()
    options.uncertainty = .ignore
    let data = try DataSet.open(Repository.fixtures + "chexpert_excerpt.csv", options: options)
    let copy = try JSONDecoder().decode(DataSet.self, from: JSONEncoder().encode(data))
    #expect(copy.listDigest == data.listDigest && copy.splits.count == 3)
    #expect(
      copy.splits.map { $0.unknownCounts(of: 14) } == data.splits.map { $0.unknownCounts(of: 14) })
  }
}
