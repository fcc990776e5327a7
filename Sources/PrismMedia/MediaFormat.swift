/// A format of pictures or sounds, recognised by the end of a file's name or by its first bytes.
///
/// ``all`` is the one list of formats: a reader that is added says so there.
public struct MediaFormat: Sendable, Hashable {
  /// What files of a format hold.
  public enum Kind: String, Sendable, Codable {
    /// One picture.
    case picture
    /// One recording.
    case sound
  }

  /// The usual name, such as `PNG`.
  public let name: String
  /// What its files hold.
  public let kind: Kind
  /// What its files' names end in, in small letters and without the dot.
  public let fileExtensions: [String]
  /// Whether ``Image`` or ``Sound`` decodes it.
  public let isRead: Bool
  /// What its files begin with: bytes at an offset, all of which must be there; empty where nothing is certain.
  private let signature: [Signature]

  private struct Signature: Sendable, Hashable {
    let offset: Int
    let bytes: [UInt8]

    init(_ text: String, at offset: Int = 0) {
      self.offset = offset
      bytes = Array(text.utf8)
    }

    init(_ bytes: [UInt8]) {
      offset = 0
      self.bytes = bytes
    }
  }

  private init(
    _ name: String, _ kind: Kind, _ fileExtensions: [String], isRead: Bool, _ signature: Signature...
  ) {
    self.name = name
    self.kind = kind
    self.fileExtensions = fileExtensions
    self.isRead = isRead
    self.signature = signature
  }

  /// The formats that are known by name, whether they are read or not.
  public static let all: [MediaFormat] = [
    .init("PNG", .picture, ["png"], isRead: true, .init([0x89, 0x50, 0x4E, 0x47])),
    .init(
      "JPEG", .picture, ["jpg", "jpeg", "jpe", "jfif"], isRead: true, .init([0xFF, 0xD8, 0xFF])),
    .init("WebP", .picture, ["webp"], isRead: false, .init("RIFF"), .init("WEBP", at: 8)),
    .init("BMP", .picture, ["bmp", "dib"], isRead: false, .init("BM")),
    .init("TIFF", .picture, ["tif", "tiff"], isRead: false, .init([0x49, 0x49, 0x2A, 0])),
    .init("TIFF", .picture, [], isRead: false, .init([0x4D, 0x4D, 0, 0x2A])),
    .init("DICOM", .picture, ["dcm", "dicom"], isRead: false, .init("DICM", at: 128)),
    .init("GIF", .picture, ["gif"], isRead: false, .init("GIF8")),
    .init("HEIF", .picture, ["heic", "heif"], isRead: false, .init("ftyphei", at: 4)),
    .init("AVIF", .picture, ["avif"], isRead: false, .init("ftypavif", at: 4)),
    .init("JPEG 2000", .picture, ["jp2", "j2k"], isRead: false, .init("jP  ", at: 4)),
    .init("NIfTI", .picture, ["nii"], isRead: false, .init("n+1", at: 344)),
    .init("WAV", .sound, ["wav"], isRead: true, .init("RIFF"), .init("WAVE", at: 8)),
    .init("FLAC", .sound, ["flac"], isRead: true, .init("fLaC")),
    .init("Ogg", .sound, ["ogg", "oga"], isRead: true, .init("OggS")),
    .init("Opus", .sound, ["opus"], isRead: false, .init("OpusHead", at: 28)),
    .init("MP3", .sound, ["mp3"], isRead: true, .init("ID3")),
    .init("AAC", .sound, ["m4a", "aac"], isRead: false, .init("ftypM4A", at: 4)),
    .init("AMR", .sound, ["amr"], isRead: false, .init("#!AMR")),
    .init("WebM", .sound, ["webm"], isRead: false, .init([0x1A, 0x45, 0xDF, 0xA3])),
    .init("AIFF", .sound, ["aif", "aiff"], isRead: false, .init("FORM"), .init("AIFF", at: 8)),
    .init("WMA", .sound, ["wma"], isRead: false, .init([0x30, 0x26, 0xB2, 0x75])),
  ]

  /// The bytes at the beginning of a file that ``init(beginning:)`` looks at.
  public static let beginningLength = 352

  /// The format that the end of a name says, or `nil`.
  public init?(fileName: String) {
    guard let dot = fileName.lastIndex(of: ".") else { return nil }
    let end = fileName[fileName.index(after: dot)...].lowercased()
    guard let format = Self.all.first(where: { $0.fileExtensions.contains(end) }) else {
      return nil
    }
    self = format
  }

  /// The format that the first bytes of a file say, or `nil`.
  ///
  /// - Parameter bytes: The first ``beginningLength`` bytes, or all of a shorter file.
  public init?(beginning bytes: [UInt8]) {
    let found = Self.all.first { format in
      format.signature.allSatisfy { part in
        bytes.count >= part.offset + part.bytes.count
          && bytes[part.offset...].starts(with: part.bytes)
      } && !format.signature.isEmpty
    }
    guard let found else { return nil }
    self = found
  }
}

extension Image {
  /// What the names of files end in that are read as pictures, in small letters and without the dot.
  public static var fileExtensions: [String] {
    MediaFormat.all.filter { $0.kind == .picture && $0.isRead }.flatMap(\.fileExtensions)
  }
}

extension Sound {
  /// What the names of files end in that are read as sounds, in small letters and without the dot.
  public static var fileExtensions: [String] {
    MediaFormat.all.filter { $0.kind == .sound && $0.isRead }.flatMap(\.fileExtensions)
  }
}
