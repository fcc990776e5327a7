import Prism
import PrismReport
import PrismTestSupport
import Testing

@Suite("arguments as text")
struct ArgumentTests {
  @Test("masks and segments are read, and what is not understood is said")
  func parsing() throws {
    for (text, description) in [
      ("blur:5", "blur:5x5"), ("blur:3x7", "blur:3x7"), ("mean", "mean"), ("noise", "noise:9"),
      ("segment-mean", "segment-mean"), ("inpaint", "inpainting:50"), ("inpaint:3", "inpainting:3"),
      ("black", "black"), ("0.5", "constant:0.5"), ("1/-2/3", "constant:1.0/-2.0/3.0"),
    ] {
      #expect(try Masker(argument: text, seed: 9).description == description)
    }
    for text in [
      "", "blur", "blur:", "blur:a", "blur:1x2x3", "grey", "1/x", "nan", "inf", "mean:2",
    ] {
      #expect(throws: RequestError.self, "\(text)") { try Masker(argument: text, seed: 0) }
    }
    for (text, description) in [
      ("quickshift", "quickshift:4.0:200.0:0.2"), ("slic:12", "slic:12:10.0"),
      ("slic", "slic:50:10.0"), ("felzenszwalb:7", "felzenszwalb:7.0:0.8:20"),
      ("grid:3x4", "grid:3x4"),
    ] {
      #expect(try Segmenter(argument: text, height: 8, width: 8).description == description)
    }
    for text in ["", "grid", "grid:3", "grid:axb", "slic:x", "quickshift:1", "tiles"] {
      #expect(throws: RequestError.self, "\(text)") {
        try Segmenter(argument: text, height: 8, width: 8)
      }
    }
  }

  @Test("a map of labels comes from an array or a picture, of the right size")
  func labels() throws {
    try Repository.withFolder { folder in
      // Two colours: the smaller one is segment 0.
      let pixels: [UInt8] = [9, 0, 0, 9, 0, 0, 0, 0, 1, 9, 0, 0, 0, 0, 1, 0, 0, 1]
      try Image(width: 3, height: 2, pixels: pixels).write(to: folder + "/a.png")
      guard
        case .labels(let segments) = try Segmenter(
          argument: folder + "/a.png", height: 2, width: 3)
      else {
        Issue.record("no labels")
        return
      }
      #expect(segments.labels == [1, 1, 0, 1, 0, 0] && segments.count == 2)
      for (height, width) in [(3, 2), (4, 6)] {
        #expect(throws: RequestError.self) {
          try Segmenter(argument: folder + "/a.png", height: height, width: width)
        }
      }
      // An array of floating-point numbers is no map of labels.
      try ArrayFile.write(Tensor([2, 3]), to: folder + "/b.npy")
      #expect(throws: FileError.self) {
        try Segmenter(argument: folder + "/b.npy", height: 2, width: 3)
      }
      #expect(throws: FileError.self) {
        try Segmenter(argument: folder + "/none.npy", height: 2, width: 3)
      }
    }
  }

  @Test("texts of any kind stand in CSV and HTML as what they are")
  func escaping() {
    #expect("a,\"b\"".commaSeparatedValue == "\"a,\"\"b\"\"\"")
    #expect("plain".commaSeparatedValue == "plain")
    for text in ["a\nb", "a\rb", "a\r\nb"] {
      #expect(text.commaSeparatedValue == "\"\(text)\"")
    }
    #expect("<a href=\"x\">&".escapedForHTML == "&lt;a href=&quot;x&quot;&gt;&amp;")
  }
}
