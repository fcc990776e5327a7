/// The kinds of files that pictures are read from.
public enum PictureFormat: String, Sendable, CaseIterable {
  case png = "PNG"
  case jpeg = "JPEG"
  case tiff = "TIFF"
  case webP = "WebP"
  case bmp = "BMP"
  case dicom = "DICOM"

  /// The usual ends of file names, in small letters and without the dot.
  public var extensions: [String] {
    switch self {
    case .png: ["png"]
    case .jpeg: ["jpg", "jpeg", "jpe", "jfif"]
    case .tiff: ["tif", "tiff"]
    case .webP: ["webp"]
    case .bmp: ["bmp", "dib"]
    case .dicom: ["dcm", "dicom"]
    }
  }

  /// Whether a file may hold several pictures of which one is chosen.
  var mayHaveFrames: Bool { self == .tiff || self == .dicom }

  /// All usual ends of the names of pictures.
  public static let allExtensions = allCases.flatMap(\.extensions)

  /// What the first bytes of a file say, or `nil` for no known picture.
  public init?(of bytes: [UInt8]) {
    func begins(_ text: String, at offset: Int = 0) -> Bool {
      bytes.dropFirst(offset).starts(with: text.utf8)
    }
    if bytes.starts(with: PNG.signature) {
      self = .png
    } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if [
      [0x49, 0x49, 42, 0], [0x4D, 0x4D, 0, 42], [0x49, 0x49, 43, 0], [0x4D, 0x4D, 0, 43],
    ]
    .contains(where: bytes.starts) {
      self = .tiff
    } else if begins("RIFF"), begins("WEBP", at: 8) {
      self = .webP
    } else if begins("DICM", at: 128) {
      self = .dicom
    } else if begins("BM"), BMP.recognises(bytes) {
      self = .bmp
    } else {
      return nil
    }
  }
}
