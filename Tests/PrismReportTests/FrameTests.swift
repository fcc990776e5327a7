import Prism
import PrismReport
import Testing

@Suite("frames")
struct FrameTests {
  /// A stream of bytes that come so many at a time.
  private func reader(_ bytes: [UInt8], atOnce count: Int = 1000) -> FrameReader {
    var rest = bytes[...]
    return FrameReader { wanted in
      let part = rest.prefix(min(count, wanted))
      rest = rest.dropFirst(part.count)
      return Array(part)
    }
  }

  private func frame(_ number: Int, payload: Int) -> Frame {
    Frame(
      "kind \(number)", [.init(name: "text", value: .string("π \"\(number)\"\n"))],
      payload: (0..<payload).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) })
  }

  /// A header as it is sent.
  private func sent(_ header: String) -> [UInt8] {
    let count = header.utf8.count
    return (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + Array(header.utf8)
  }

  @Test("frames are read as they were sent, however they are cut", arguments: [1, 2, 5, 4096])
  func roundTrip(atOnce count: Int) throws {
    let frames = [0, 1, 300, 70_000].enumerated().map { frame($0, payload: $1) }
    var reader = reader(frames.flatMap(\.bytes), atOnce: count)
    for frame in frames {
      let read = try #require(try reader.next(limit: 1 << 20))
      #expect(read.payload == frame.payload && read.size == frame.payload.count)
      for member in frame.members { #expect(read.header[member.name] == member.value) }
    }
    #expect(try reader.next(limit: 1 << 20) == nil)
  }

  @Test("the length of a header stands in 4 bytes, the lowest first")
  func layout() {
    let bytes = Frame("x", payload: [7, 8]).bytes
    #expect(bytes == [22, 0, 0, 0] + Array(#"{"kind":"x","bytes":2}"#.utf8) + [7, 8])
    let long = Frame(String(repeating: "x", count: 70_000)).bytes
    #expect(long.count == 4 + 70_011 && Array(long.prefix(4)) == [0x7B, 0x11, 1, 0])
  }

  @Test("members that would make a header too long stand aside, and every frame can be read")
  func aside() throws {
    let labels = JSON.array((0..<40_000).map { .string("label number \($0) of a large model é") })
    let long = JSON.string(String(repeating: "x", count: Frame.headerLimit))
    let payload: [UInt8] = [1, 2, 3]
    let members: [JSON.Member] = [
      .init(name: "id", value: .string("1")), .init(name: "labels", value: labels),
      .init(name: "text", value: long), .init(name: "count", value: .integer(3)),
    ]
    for count in [2, 4] {
      let frame = Frame("result", Array(members.prefix(count)), payload: payload)
      var reader = reader(frame.bytes + self.frame(2, payload: 5).bytes, atOnce: 1 << 18)
      let read = try #require(try reader.next(limit: 1 << 24))
      let sent = try #require(read.payload)
      #expect(read.size == sent.count && sent.starts(with: payload))
      for member in frame.members {
        guard let place = read.header["aside"]?[member.name] else {
          #expect(read.header[member.name] == member.value)
          continue
        }
        let start = Int(try #require(place["offset"]?.double))
        let end = start + Int(try #require(place["bytes"]?.double))
        try #require(start >= payload.count && end <= sent.count)
        #expect(read.header[member.name] == nil)
        #expect(try JSON(utf8: Array(sent[start..<end])) == member.value)
      }
      #expect(read.header["aside"]?["labels"] != nil && read.header["aside"]?["id"] == nil)
      #expect(try reader.next(limit: 1 << 24)?.payload?.count == 5)
    }
    // One that just fits is as ever.
    let room = Frame.headerLimit - #"{"kind":"x","text":""}"#.utf8.count
    for (count, isAside) in [(room, false), (room + 1, true)] {
      let text = JSON.string(String(repeating: "x", count: count))
      let bytes = Frame("x", [.init(name: "text", value: text)]).bytes
      var reader = reader(bytes, atOnce: 1 << 18)
      let header = try #require(try reader.next(limit: 1 << 24)).header
      #expect((header["text"] == nil) == isAside && (header["aside"] != nil) == isAside)
    }
  }

  @Test("a stream that ends within a frame is told from one that ends after it")
  func cutOff() throws {
    let bytes = frame(1, payload: 40).bytes
    for count in 1..<bytes.count {
      var reader = reader(Array(bytes.prefix(count)))
      #expect(throws: FrameError.cutOff, "\(count)") { try reader.next(limit: 100) }
      var passing = self.reader(Array(bytes.prefix(count)))
      #expect(throws: FrameError.cutOff, "\(count)") { try passing.next(limit: 1) }
    }
    var empty = reader([])
    #expect(try empty.next(limit: 100) == nil)
  }

  @Test("a length that is too much is refused before anything is read by it")
  func lengths() {
    for count in [Frame.headerLimit + 1, Int(UInt32.max)] {
      let bytes = (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
      var asked = 0
      var isSent = false
      var reader = FrameReader { _ in
        asked += 1
        defer { isSent = true }
        return isSent ? [] : bytes
      }
      #expect(throws: FrameError.headerTooLong(count)) { try reader.next(limit: 100) }
      #expect(asked == 1)
    }
  }

  @Test(
    "a header that is no object, or whose size is none, ends the stream",
    arguments: [
      "", "[]", "1", "{", #"{"kind":"x"} x"#, #"{"kind":"x","kind":"x"}"#, #"{"bytes":-1}"#,
      #"{"bytes":1.5}"#, #"{"bytes":"1"}"#, #"{"bytes":1e3}"#, #"{"bytes":9223372036854775807}"#,
      #"{"bytes":[1]}"#,
    ])
  func headers(_ header: String) throws {
    var reader = reader(sent(header) + [1, 2, 3])
    #expect(throws: FrameError.self) { try reader.next(limit: 100) }
  }

  @Test("a size that only announces takes no memory and ends with the stream")
  func announced() {
    var most = 0
    var parts = [sent(#"{"bytes":200000000000000}"#), [1, 2, 3]]
    var reader = FrameReader { wanted in
      most = max(most, wanted)
      return parts.isEmpty ? [] : parts.removeFirst()
    }
    #expect(throws: FrameError.cutOff) { try reader.next(limit: Limits.most) }
    #expect(most <= 1 << 20)
  }

  @Test("a payload beyond the limit is passed over, and the frame after it is read")
  func tooLong() throws {
    let (long, next) = (frame(1, payload: 5000), frame(2, payload: 5))
    var reader = reader(long.bytes + next.bytes, atOnce: 77)
    let first = try #require(try reader.next(limit: 4999))
    #expect(first.payload == nil && first.size == 5000)
    #expect(first.header["kind"] == .string("kind 1"))
    #expect(try reader.next(limit: 4999)?.payload == next.payload)
  }
}
