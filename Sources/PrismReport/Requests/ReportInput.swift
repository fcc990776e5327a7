public import Prism

/// A picture or a sound that is to be explained: its bytes, and how it is told from others.
public struct ReportInput: Sendable {
  /// The name under which it was given.
  public let name: String
  /// The whole path, or the name where it is no file: what tells inputs apart.
  public let path: String
  /// The contents.
  public let bytes: [UInt8]
  /// The digest of the contents, 64 hexadecimal digits.
  public let sha256: String

  /// The picture, where it was decoded beforehand.
  private var decoded: (reading: PictureReading, picture: Result<Image, any Error>)?

  /// Reads a file.
  ///
  /// - Throws: `FileError`.
  public init(contentsOf path: String) throws {
    self.init(try Files.read(path), name: path, path: Self.wholePath(of: path))
  }

  /// Takes what did not come from a file.
  ///
  /// - Parameters:
  ///   - bytes: The contents.
  ///   - name: What tells it from other inputs.
  public init(_ bytes: [UInt8], name: String) {
    self.init(bytes, name: name, path: name)
  }

  private init(_ bytes: [UInt8], name: String, path: String) {
    self.bytes = bytes
    self.name = name
    self.path = path
    sha256 = SHA256.hexadecimalDigest(of: bytes)
  }

  /// The same input with its picture decoded, where the contents are a picture.
  ///
  /// What is wrong with the picture is told by ``picture(_:)``.
  ///
  /// - Parameter reading: How the picture is read.
  /// - Returns: The input.
  public func decodingPicture(_ reading: PictureReading) -> ReportInput {
    guard PictureFormat(of: bytes) != nil else { return self }
    var input = self
    input.decoded = (reading, Result { try picture(reading) })
    return input
  }

  /// The picture.
  ///
  /// - Parameter reading: How it is read.
  /// - Returns: The picture; that which was decoded beforehand, where it was read in the same way.
  /// - Throws: ``RequestError``, `ImageError`.
  public func picture(_ reading: PictureReading) throws -> Image {
    if let decoded, decoded.reading == reading { return try decoded.picture.get() }
    return try Image(decoding: bytes, name: name, options: try reading.options())
  }

  /// A path from the root, without `.` and `..`.
  public static func wholePath(of path: String) -> String { Folder.wholePath(of: path) }

  /// As much of a path's end as a figure has room for.
  ///
  /// - Parameters:
  ///   - path: The whole path.
  ///   - limit: The most characters, unless the last part alone is longer.
  /// - Returns: Such as `…/patient2/study1/view1_frontal.png`.
  public static func shortened(_ path: String, to limit: Int = 72) -> String {
    guard path.count > limit else { return path }
    let parts = path.split(separator: "/")
    guard var text = parts.last.map(String.init) else { return path }
    for part in parts.dropLast().reversed() {
      guard text.count + part.count + 3 <= limit else { break }
      text = part + "/" + text
    }
    return "…/" + text
  }
}
