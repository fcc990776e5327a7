import PrismTestSupport
import Testing

@testable import PrismFiles

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite("limits")
struct LimitsTests {
  @Test(
    "a limit as a user writes it",
    arguments: [("pixels=12", 12), ("pixels=2e3", 2000), ("pixels=9223372036854775807", 1 << 48)])
  func setting(_ text: String, expected: Int) throws {
    var limits = Limits()
    try limits.set(text)
    #expect(limits[.pixels] == expected && limits[.bytes] == Limits.Name.bytes.standard)
  }

  @Test(
    "what is no limit is refused, and the known ones are listed",
    arguments: [
      "", "pixels", "pixel=3", "pixels=", "pixels=0", "pixels=-1", "pixels=1.5", "pixels=x", "=3",
    ])
  func nonsense(_ text: String) {
    var limits = Limits()
    let error = #expect(throws: LimitSyntaxError.self) { try limits.set(text) }
    #expect(limits == Limits())
    let line = error?.description ?? ""
    let names = Limits.Name.allCases.map(\.rawValue)
    let said = text.hasPrefix("pixels=") ? ["pixels"] : names
    #expect(said.allSatisfy(line.contains) && !line.contains("\n"), "\(line)")
  }

  @Test("limits survive their JSON, of which all may be left out; none is below 1")
  func json() throws {
    var limits = Limits([.pixels: 5, .time: 7])
    limits.evaluations = 9
    let text = try JSONEncoder().encode(limits)
    #expect(try JSONDecoder().decode(Limits.self, from: text) == limits)
    #expect(try JSONDecoder().decode(Limits.self, from: Data("{}".utf8)) == Limits())
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(Limits.self, from: Data(#"{"pixels": 0}"#.utf8))
    }
  }

  @Test("a file beyond the limit is refused by its size, one without a size as it comes")
  func files() throws {
    try Repository.withFolder { folder in
      // A terabyte that takes no room.
      let path = folder + "/sparse"
      try AtomicFile.write("", to: path)
      #expect(truncate(path, 1 << 40) == 0)
      let expected = FileError.beyondLimit(
        LimitError(subject: path, name: .bytes, count: 1 << 40, limit: 1 << 30))
      #expect(throws: expected) { try Files.read(path) }
      #expect(expected.description.contains("--limit bytes=N"))
    }
    #expect(throws: FileError.self) {
      try Files.read("/dev/zero", limits: Limits([.bytes: 3 << 20]))
    }
    try Limits.$current.withValue(Limits([.bytes: 4])) {
      try Repository.withFolder { folder in
        try AtomicFile.write("12345", to: folder + "/a")
        #expect(throws: FileError.self) { try Files.read(folder + "/a") }
        try AtomicFile.write("1234", to: folder + "/a")
        #expect(try Files.read(folder + "/a").count == 4)
      }
    }
  }

  @Test("a name of combining marks costs what other text costs, or is refused")
  func marks() throws {
    let marks = String(repeating: "\u{301}\u{316}", count: 20_000)
    let header = "path,label,a\(marks)\nx.png,1,2\n"
    let error = #expect(throws: FileError.self) {
      try CSVReader(Array(header.utf8), path: "t.csv")
    }
    #expect(error?.description.hasPrefix("t.csv: line 1: 80001 bytes are more than") == true)
    #expect(" \u{301}a\(marks) \n".trimmed == "\u{301}a\(marks)")
    // Text that nobody asks for may be as long as it likes.
    var reader = try CSVReader(Array("path,report\nx.png,a\(marks)\n".utf8), path: "t.csv")
    let row = try #require(try reader.next())
    #expect(try row.text(0) == "x.png")
    #expect(throws: FileError.self) { try row.text(1) }
    #expect(row.shown(1).utf8.count <= Limits.Name.name.standard + 2)
  }

  @Test("more marks in a row than any language has are refused, wherever names are read")
  func rows() throws {
    func name(_ count: Int) -> String { "a" + String(repeating: "\u{301}", count: count) + "b" }
    for (count, isTaken) in [(0, true), (30, true), (31, false), (2000, false)] {
      #expect(Text.hasFewMarks(name(count)) == isTaken)
      let json = try? JSONReader.parse("{\"\(name(count))\": 1, \"x\": \"\(name(count))\"}")
      #expect((json != nil) == isTaken)
      var reader = try CSVReader(Array("path\n\(name(count))\n".utf8), path: "t")
      let row = try #require(try reader.next())
      #expect(((try? row.text(0)) != nil) == isTaken)
    }
    #expect(Text.hasFewMarks("日本語 العربية ü é 👩\u{200D}🔬 नमस्ते ไทย"))
  }

  @Test("a million marks in any order are read over in linear time")
  func manyMarks() throws {
    let marks = "a" + String(repeating: "\u{301}\u{323}", count: 250_000)
    #expect(throws: JSONError.self) { try JSONReader.parse("{\"labels\": [\"\(marks)\"]}") }
    #expect(throws: JSONError.self) { try JSONReader.parse("{\"\(marks)\": 1, \"\(marks)\": 2}") }
    let limits = Limits([.name: 1 << 30])
    #expect(throws: FileError.self) {
      try CSVReader(Array("\(marks),path\n".utf8), path: "t.csv", limits: limits)
    }
    var reader = try CSVReader(Array("path\n\(marks)\n".utf8), path: "t.csv", limits: limits)
    let row = try #require(try reader.next())
    #expect(throws: FileError.self) { try row.text(0) }
    #expect(Text.printable(marks).utf8.count < 2000)
    #expect(Text.harmless(marks) == marks && Text.withoutControls(marks) == marks)
  }

  @Test("no tree is made of a JSON text beyond all bounds")
  func longJSON() {
    let text = "[" + String(repeating: "0,", count: JSONReader.sizeLimit / 2) + "0]"
    #expect(throws: JSONError.self) { try JSONReader.parse(text) }
  }

  @Test("a table has no more columns than a model may have labels")
  func columns() throws {
    let limits = Limits([.labels: 3])
    #expect(throws: Never.self) { try CSVReader(Array("a,b,c\n".utf8), path: "t", limits: limits) }
    #expect(throws: FileError.self) {
      try CSVReader(Array("a,b,c,d\n".utf8), path: "t", limits: limits)
    }
  }
}

@Suite("the limits in SECURITY.md")
struct LimitTableTests {
  @Test("the table is that of the code")
  func table() throws {
    let text = String(
      decoding: try Files.read(Repository.root + "SECURITY.md"), as: UTF8.self)
    let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `") }.map(String.init)
    let expected = Limits.Name.allCases.map { name in
      let standard = name == .memory ? "half of the machine's memory" : "\(name.standard)"
      return "| `\(name.rawValue)` | \(standard) | \(name.unit) \(name.meaning) |"
    }
    #expect(rows == expected)
  }
}
