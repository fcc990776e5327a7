internal import Prism

/// Whole numbers for the pixels of a picture, from a file: which segment each belongs to, or which
/// region.
public struct LabelMap: Sendable {
  /// The rows.
  public let height: Int
  /// The columns.
  public let width: Int
  /// One number a pixel, row after row: an array's own, or of a picture the colour 0xRRGGBB.
  public let numbers: [Int]

  /// Reads a file.
  ///
  /// - Parameter path: A `.npy` file of whole numbers `[H, W]`, or a picture.
  /// - Throws: ``RequestError/labelFile(_:reason:)``, `FileError`, `ImageError`.
  public init(contentsOf path: String) throws {
    if path.lowercased().hasSuffix(".npy") {
      let array = try ArrayFile.integers(contentsOf: path)
      guard array.shape.rank == 2, array.shape.count > 0 else {
        throw RequestError.labelFile(path, reason: "has the shape \(array.shape), not [H, W]")
      }
      (height, width, numbers) = (array.shape[0], array.shape[1], array.values)
    } else {
      let image = try Image(contentsOf: path)
      (height, width) = (image.height, image.width)
      numbers = (0..<height * width).map { p in
        (0..<3).reduce(0) { $0 << 8 | Int(image.pixels[3 * p + $1]) }
      }
    }
  }

  /// Reads a file that has to have a size, as a division into segments has.
  ///
  /// - Parameters:
  ///   - path: A `.npy` file of whole numbers `[H, W]`, or a picture.
  ///   - height: The rows that it must have.
  ///   - width: The columns that it must have.
  /// - Throws: ``RequestError/labelFile(_:reason:)``, `FileError`, `ImageError`.
  public init(contentsOf path: String, height: Int, width: Int) throws {
    try self.init(contentsOf: path)
    guard self.height == height, self.width == width else {
      throw RequestError.labelFile(
        path,
        reason: "the map of labels has \(self.width)×\(self.height) pixels and the network's input "
          + "\(width)×\(height); resize it without interpolation")
    }
  }
}
