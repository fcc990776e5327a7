internal import Prism

/// Whole numbers for the pixels of a network's input, from a file: which segment each belongs to, or which region.
public struct LabelMap: Sendable {
  /// One number a pixel, row after row: an array's own, or of a picture the colour 0xRRGGBB.
  public let numbers: [Int]

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: A `.npy` file of whole numbers `[H, W]`, or a picture.
  ///   - height: The rows that it must have.
  ///   - width: The columns that it must have.
  /// - Throws: ``RequestError``, `FileError`, `ImageError`.
  public init(contentsOf path: String, height: Int, width: Int) throws {
    let (rows, columns): (Int, Int)
    if path.hasSuffix(".npy") {
      let array = try ArrayFile.integers(contentsOf: path)
      guard array.shape.rank == 2 else {
        throw RequestError.labelFile(path, reason: "has the shape \(array.shape), not [H, W]")
      }
      (rows, columns, numbers) = (array.shape[0], array.shape[1], array.values)
    } else {
      let image = try Image(contentsOf: path)
      (rows, columns) = (image.height, image.width)
      numbers = (0..<rows * columns).map { p in
        (0..<3).reduce(0) { $0 << 8 | Int(image.pixels[3 * p + $1]) }
      }
    }
    guard rows == height, columns == width else {
      throw RequestError.labelFile(
        path,
        reason: "the map of labels has \(columns)×\(rows) pixels and the network's input "
          + "\(width)×\(height); resize it without interpolation")
    }
  }
}
