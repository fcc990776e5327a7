import PrismMedia
import PrismTestSupport
import Testing

@Suite("formats")
struct MediaFormatTests {
  @Test(
    "names tell formats whatever their case, and contents those that names hide",
    arguments: [
      ("a.PNG", "PNG", true), ("b.jfif", "JPEG", true), ("c.webp", "WebP", true),
      ("d.gif", "GIF", false), ("e.m4a", "by ffmpeg", true), ("f.oga", "Ogg", true),
      ("g.opus", "Ogg", true), ("h.wma", "WMA", false),
    ])
  func names(_ name: String, _ format: String, _ isRead: Bool) {
    let found = MediaFormat(fileName: name)
    #expect(found?.name == format && found?.isRead == isRead)
  }

  @Test("what is no picture and no sound has no format")
  func others() {
    for name in ["notes.txt", "README", "png", ".png.", ""] {
      #expect(MediaFormat(fileName: name) == nil, "\(name)")
    }
    for bytes in [[], [0x89], Array("GI".utf8), Array("RIFF0000AVI ".utf8)] as [[UInt8]] {
      #expect(MediaFormat(beginning: bytes) == nil, "\(bytes)")
    }
  }

  @Test("first bytes tell formats")
  func contents() throws {
    let png = try Image(width: 1, height: 1, filledWith: RGB(1, 2, 3)).pngData()
    #expect(MediaFormat(beginning: Array(png.prefix(MediaFormat.beginningLength)))?.name == "PNG")
    #expect(MediaFormat(beginning: Array("RIFF0000WAVE".utf8))?.kind == .sound)
    #expect(MediaFormat(beginning: Array("GIF89a".utf8))?.isRead == false)
    #expect(MediaFormat(beginning: Array("0000ftypisom".utf8))?.isRead == true)
    #expect(MediaFormat(beginning: Array("0000ftypavif".utf8))?.name == "AVIF")
  }

  @Test("no two formats claim one end of a name")
  func unique() {
    let ends = MediaFormat.all.flatMap(\.fileExtensions)
    #expect(Set(ends).count == ends.count && ends.allSatisfy { $0 == $0.lowercased() })
  }
}
