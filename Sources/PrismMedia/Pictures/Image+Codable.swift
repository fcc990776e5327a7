#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A picture is written as its extents and its pixels; deeper samples of its file are left out.
extension Image: Codable {
  private enum Key: CodingKey {
    case width, height, pixels
  }

  /// Reads a picture.
  ///
  /// - Throws: `DecodingError` where the pixels do not fill the picture.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    do {
      try self.init(
        width: values.decode(Int.self, forKey: .width),
        height: values.decode(Int.self, forKey: .height),
        pixels: Array(values.decode(Data.self, forKey: .pixels)))
    } catch let error as ImageError {
      throw DecodingError.dataCorruptedError(
        forKey: .pixels, in: values, debugDescription: error.description)
    }
  }

  /// Writes the picture.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(width, forKey: .width)
    try values.encode(height, forKey: .height)
    try values.encode(Data(pixels), forKey: .pixels)
  }
}
