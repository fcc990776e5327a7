internal import Prism

extension Segmenter {
  /// Reads the value of `--segments`.
  ///
  /// - Parameters:
  ///   - argument: The text.
  ///   - height: The rows of the network's input, which a map of labels must have.
  ///   - width: The columns of it.
  /// - Throws: ``MethodError``, `FileError`, `ImageError`, `ExplanationError`.
  init(argument: String, height: Int, width: Int) throws {
    if argument.hasSuffix(".npy") || argument.hasSuffix(".png") {
      self = .labels(try Self.labels(contentsOf: argument, height: height, width: width))
      return
    }
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    switch (parts[0], parts.count) {
    case ("quickshift", 1): self = .quickshift()
    case ("slic", 1): self = .slic()
    case ("slic", 2):
      guard let count = Int(parts[1]) else { throw MethodError.segments(argument) }
      self = .slic(count: count)
    case ("felzenszwalb", 1): self = .felzenszwalb()
    case ("felzenszwalb", 2):
      guard let scale = Double(parts[1]) else { throw MethodError.segments(argument) }
      self = .felzenszwalb(scale: scale)
    case ("grid", 2):
      let extents = parts[1].split(separator: "x", omittingEmptySubsequences: false)
        .map { Int($0) }
      guard extents.count == 2, let rows = extents[0], let columns = extents[1] else {
        throw MethodError.segments(argument)
      }
      self = .grid(rows: rows, columns: columns)
    default: throw MethodError.segments(argument)
    }
  }

  /// A map of labels: whole numbers in an array, or a picture in which every colour is a segment.
  private static func labels(
    contentsOf path: String, height: Int, width: Int
  ) throws -> Segmentation {
    let (rows, columns, numbers): (Int, Int, [Int])
    if path.hasSuffix(".npy") {
      let array = try ArrayFile.integers(contentsOf: path)
      guard array.shape.rank == 2 else {
        throw MethodError.segmentFile(path, reason: "has the shape \(array.shape), not [H, W]")
      }
      (rows, columns, numbers) = (array.shape[0], array.shape[1], array.values)
    } else {
      let image = try Image(contentsOf: path)
      let colors = (0..<image.width * image.height).map { p in
        (0..<3).reduce(0) { $0 << 8 | Int(image.pixels[3 * p + $1]) }
      }
      // Numbered from 0 in the order of the colours.
      let known = Dictionary(
        uniqueKeysWithValues: Set(colors).sorted().enumerated().map { ($1, $0) })
      (rows, columns, numbers) = (image.height, image.width, colors.compactMap { known[$0] })
    }
    guard rows == height, columns == width else {
      throw MethodError.segmentFile(
        path,
        reason: "the map of labels has \(columns)×\(rows) pixels and the network's input "
          + "\(width)×\(height); resize it without interpolation")
    }
    do {
      return try Segmentation(
        height: rows, width: columns, labels: numbers.map { Int32(clamping: $0) })
    } catch {
      throw MethodError.segmentFile(path, reason: "\(error)")
    }
  }
}
