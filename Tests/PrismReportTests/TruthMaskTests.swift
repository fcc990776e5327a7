import PrismTestSupport
import Testing

@testable import Prism
@testable import PrismReport

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite("masks of what is right")
struct TruthMaskTests {
  private static let names = ["fish", "bird", "car"]
  private static let labels = Prediction(
    logits: [0, 1, 2], labels: names, output: .softmax
  ).entries

  /// One second of sound in 40 frames of 20 bands.
  private static func rule() throws -> AudioPreparation {
    try AudioPreparation(
      .init(
        sampleRate: 8000, seconds: 1, fft: 256, hop: 64, bands: 20, minimum: 100, maximum: 3900,
        image: .init(
          height: 20, width: 40, resize: .bilinear, channels: .rgb, scale: 1, mean: [0, 0, 0],
          std: [1, 1, 1])))
  }

  @Test("masks lie in folders of labels")
  func labelFolders() throws {
    try Repository.withFolder { folder in
      for (label, level) in [("fish", UInt8(255)), ("car", 255), ("notes", 0)] {
        try FileManager.default.createDirectory(
          atPath: "\(folder)/masks/\(label)", withIntermediateDirectories: true)
        // Nothing is right in the first place.
        let pixels = [0, 0, 0] + [UInt8](repeating: level, count: 21)
        try Image(width: 4, height: 2, pixels: pixels)
          .write(to: "\(folder)/masks/\(label)/a.png")
      }
      let path = ReportInput.wholePath(of: folder + "/pictures/a.png")
      let truths = try TruthMasks(
        folder + "/masks", for: [path, folder + "/pictures/b.png"], labels: Self.names)
      func region(_ label: Int) throws -> Tensor? {
        try truths.region(for: Self.labels[label], of: path, height: 2, width: 4)
      }
      #expect(try region(0)?.sum == 7 && region(1) == nil && region(2)?.sum == 7)
      #expect(truths.has(Self.labels[0], of: path) && !truths.has(Self.labels[1], of: path))
    }
  }

  @Test("a label's name counts before an index, several masks count together, and blanks for none")
  func tables() throws {
    try Repository.withFolder { folder in
      for (name, column) in [("left", 0), ("middle", 1), ("right", 2)] {
        let pixels = (0..<9).map { $0 / 3 == column ? UInt8(255) : 0 }
        try Image(width: 3, height: 1, pixels: pixels).write(to: "\(folder)/\(name).png")
      }
      let table = """
        input,mask,target
         a.png ,left.png,1
        a.png, middle.png ,1
        a.png,right.png,3
        a.png,,2
        b.png,,2
        a.png,left.png,lorry

        """
      try Data(table.utf8).write(to: URL(filePath: folder + "/masks.csv"))
      let path = ReportInput.wholePath(of: folder + "/a.png")
      // The label with the index 1 is called 2.
      let names = ["1", "2", "3"]
      let truths = try TruthMasks(folder + "/masks.csv", for: [path], labels: names)
      let labels = Prediction(logits: [0, 1, 2], labels: names, output: .softmax).entries
      func region(_ label: Int) throws -> [Float]? {
        try truths.region(for: labels[label], of: path, height: 1, width: 3)?.scalars
      }
      #expect(try region(0) == [1, 1, 0])
      #expect(try region(1) == nil)
      #expect(try region(2) == [0, 0, 1])
      #expect(truths.strangers == ["lorry"])
    }
  }

  @Test("soft edges count from their middle, small numbers from one, and a mask of everything not")
  func levels() throws {
    try Repository.withFolder { folder in
      func region(_ levels: [UInt8]) throws -> [Float]? {
        try Image(width: 5, height: 1, pixels: levels.flatMap { [$0, $0, $0] })
          .write(to: folder + "/mask.png")
        return try TruthMasks(folder + "/mask.png", for: ["/a.png"], labels: Self.names)
          .region(for: Self.labels[0], of: "/a.png", height: 1, width: 5)?.scalars
      }
      #expect(try region([0, 3, 128, 200, 255]) == [0, 0, 1, 1, 1])
      #expect(try region([0, 0, 1, 2, 3]) == [0, 0, 1, 1, 1])
      #expect(try region([0, 0, 1, 255, 255]) == [0, 0, 1, 1, 1])
      let error = #expect(throws: RequestError.self) { try region([1, 1, 2, 2, 2]) }
      #expect("\(try #require(error))".contains("marks all of the picture"))
      #expect(try region([0, 255, 0, 0, 0]) == [0, 1, 0, 0, 0])
      let truths = try TruthMasks(folder + "/mask.png", for: ["/a.png"], labels: Self.names)
      let small = #expect(throws: RequestError.self) {
        try truths.region(for: Self.labels[0], of: "/a.png", height: 1, width: 2)
      }
      #expect("\(try #require(small))".contains("too small to be seen with 2×1 pixels"))
    }
  }

  @Test("masks of other proportions are refused where the picture is known")
  func proportions() throws {
    try Repository.withFolder { folder in
      let pixels = (0..<40 * 30 * 3).map { $0 < 60 ? UInt8(0) : 255 }
      try Image(width: 40, height: 30, pixels: pixels).write(to: folder + "/mask.png")
      let truths = try TruthMasks(folder + "/mask.png", for: ["/a.png"], labels: Self.names)
      func region(
        width: Int, height: Int, seen: (Int, Int) = (8, 8), area: PictureArea = .whole
      ) throws -> Tensor? {
        try truths.region(
          for: Self.labels[0], of: "/a.png", height: seen.1, width: seen.0, area: area,
          sound: nil, picture: (width, height))
      }
      #expect(try region(width: 400, height: 300) != nil)
      #expect(try region(width: 401, height: 300) != nil)
      // A mask at the size of the network's input fits any picture, and is of what the network sees.
      #expect(try region(width: 300, height: 400, seen: (40, 30)) != nil)
      let centre = PictureArea(x: 0.25, y: 0.25, width: 0.5, height: 0.5)
      let whole = try region(width: 300, height: 400, seen: (40, 30))
      #expect(try region(width: 300, height: 400, seen: (40, 30), area: centre) == whole)
      #expect(try region(width: 400, height: 300, seen: (40, 30), area: centre) != whole)
      let error = #expect(throws: RequestError.self) { try region(width: 300, height: 400) }
      #expect("\(try #require(error))".contains("40×30 pixels and its picture 300×400"))
    }
  }

  @Test("parts of sounds in seconds and hertz, window by window")
  func passages() throws {
    try Repository.withFolder { folder in
      let table = """
        path,label,start,end,low,high
        a.wav,bird,0.5,0.75,1000,2000
        a.wav,bird,2.1,2.2,,
        a.wav,car,5,6,100,200

        """
      try Data(table.utf8).write(to: URL(filePath: folder + "/events.csv"))
      let path = ReportInput.wholePath(of: folder + "/a.wav")
      let truths = try TruthMasks(folder + "/events.csv", for: [path], labels: Self.names)
      let rule = try Self.rule()
      func region(_ label: Int, _ times: ClosedRange<Double>) throws -> Tensor? {
        try truths.region(
          for: Self.labels[label], of: path, height: 20, width: 40, area: .whole,
          sound: .init(rule: rule, times: times), picture: nil)
      }
      let first = try #require(try region(1, 0...1))
      let columns = (0..<40).filter { x in (0..<20).contains { first[$0, x] == 1 } }
      let rows = (0..<20).filter { y in (0..<40).contains { first[y, $0] == 1 } }
      // Half a second is in the middle, low frequencies at the bottom.
      #expect(columns.first.map { (19...20).contains($0) } == true)
      #expect(columns.last.map { (29...30).contains($0) } == true)
      #expect(rule.frequency(at: 1 - (Double(rows[0]) + 0.5) / 20) < 2300)
      #expect(rule.frequency(at: 1 - (Double(rows[rows.count - 1]) + 0.5) / 20) > 850)
      #expect(first.sum == Double(columns.count * rows.count))
      // A part without a band fills all of it; one of another window is not there.
      let second = try #require(try region(1, 2...3))
      #expect(second.sum == 20 * 5 && second[0, 5] == 1 && second[19, 5] == 1)
      #expect(try region(2, 0...1) == nil && region(0, 0...1) == nil)
      // A quarter of a second is heard four times.
      let short = try #require(try region(1, 0.5...0.75))
      #expect((0..<4).allSatisfy { block in (0..<20).contains { short[$0, 10 * block + 5] == 1 } })
      #expect(
        try truths.region(for: Self.labels[1], of: path, height: 20, width: 40) == nil)
    }
  }

  @Test("a table says which line is wrong", arguments: ["x,1", "2,1", "-1,1"])
  func badPassages(times: String) throws {
    try Repository.withFolder { folder in
      try Data("path,start,end\nb.wav,0,1\na.wav,\(times)\n".utf8)
        .write(to: URL(filePath: folder + "/events.csv"))
      let error = #expect(throws: FileError.self) {
        try TruthMasks(folder + "/events.csv", for: [folder + "/a.wav"], labels: Self.names)
      }
      #expect("\(try #require(error))".contains("line 3: the seconds in start and end"))
    }
  }
}
