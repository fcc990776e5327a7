/// A format of pictures or sounds, recognised by the end of a file's name or by its first bytes.
///
/// ``all`` is the one list of formats: those that are read, and those that people have besides.
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
  /// What its files begin with: bytes at an offset, all of which must be there; empty where nothing
  /// is certain.
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
    _ name: String, _ kind: Kind, _ fileExtensions: [String], isRead: Bool = false,
    _ signature: Signature...
  ) {
    self.name = name
    self.kind = kind
    self.fileExtensions = fileExtensions
    self.isRead = isRead
    self.signature = signature
  }

  private init(_ picture: PictureFormat) {
    self.init(picture.rawValue, .picture, picture.extensions, isRead: true)
  }

  private init(_ sound: SoundFormat) {
    self.init(sound.rawValue, .sound, sound.extensions, isRead: true)
  }

  /// The formats that are known by name, whether they are read or not.
  public static let all: [MediaFormat] =
    PictureFormat.allCases.map(MediaFormat.init) + SoundFormat.allCases.map(MediaFormat.init) + [
      .init("GIF", .picture, ["gif"], .init("GIF8")),
      .init("HEIF", .picture, ["heic", "heif"], .init("ftyphei", at: 4)),
      .init("HEIF", .picture, [], .init("ftypmif1", at: 4)),
      .init("AVIF", .picture, ["avif"], .init("ftypavif", at: 4)),
      .init("JPEG 2000", .picture, ["jp2", "j2k"], .init("jP  ", at: 4)),
      .init("NIfTI", .picture, ["nii"], .init("n+1", at: 344)),
      .init("AIFF", .sound, ["aif", "aiff"], .init("FORM"), .init("AIFF", at: 8)),
      .init("WMA", .sound, ["wma"], .init([0x30, 0x26, 0xB2, 0x75])),
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
    if let picture = PictureFormat(of: bytes) {
      self.init(picture)
      return
    }
    let found = Self.all.first { format in
      format.signature.allSatisfy { part in
        bytes.count >= part.offset + part.bytes.count
          && bytes[part.offset...].starts(with: part.bytes)
      } && !format.signature.isEmpty
    }
    // Sounds last: pictures of HEIF and AVIF begin as MP4 does.
    guard let format = found ?? SoundFormat(of: bytes).map(MediaFormat.init) else { return nil }
    self = format
  }
}
