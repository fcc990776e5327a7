public import Prism

extension Segmenter {
  /// Reads the value of `--segments`.
  ///
  /// - Parameters:
  ///   - argument: The text.
  ///   - height: The rows of the network's input, which a map of labels must have.
  ///   - width: The columns of it.
  /// - Throws: ``RequestError``, `FileError`, `ImageError`, `ExplanationError`.
  public init(argument: String, height: Int, width: Int) throws {
    if argument.hasSuffix(".npy") || argument.hasSuffix(".png") {
      self = .labels(try Self.labels(contentsOf: argument, height: height, width: width))
      return
    }
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    switch (parts[0], parts.count) {
    case ("quickshift", 1): self = .quickshift()
    case ("slic", 1): self = .slic()
    case ("slic", 2):
      guard let count = Int(parts[1]), count > 0 else { throw RequestError.segments(argument) }
      try Limits.current.check(count, .segments, of: argument)
      self = .slic(count: count)
    case ("felzenszwalb", 1): self = .felzenszwalb()
    case ("felzenszwalb", 2):
      guard let scale = Double(parts[1]), scale > 0, scale.isFinite else {
        throw RequestError.segments(argument)
      }
      self = .felzenszwalb(scale: scale)
    case ("grid", 2):
      let extents = parts[1].split(separator: "x", omittingEmptySubsequences: false)
        .map { Int($0) }
      guard extents.count == 2, let rows = extents[0], let columns = extents[1], rows > 0,
        columns > 0
      else {
        throw RequestError.segments(argument)
      }
      let (cells, overflow) = rows.multipliedReportingOverflow(by: columns)
      try Limits.current.check(overflow ? .max : cells, .segments, of: argument)
      self = .grid(rows: rows, columns: columns)
    default: throw RequestError.segments(argument)
    }
  }

  /// A map of labels: whole numbers in an array, or a picture in which every colour is a segment.
  private static func labels(
    contentsOf path: String, height: Int, width: Int
  ) throws -> Segmentation {
    var numbers = try LabelMap(contentsOf: path, height: height, width: width).numbers
    if !path.hasSuffix(".npy") {
      // Numbered from 0 in the order of the colours.
      let known = Dictionary(
        uniqueKeysWithValues: Set(numbers).sorted().enumerated().map { ($1, $0) })
      numbers = numbers.compactMap { known[$0] }
    }
    // Before anything is made whose size is the number of segments.
    try Limits.current.check(Set(numbers).count, .segments, of: path)
    do {
      return try Segmentation(
        height: height, width: width, labels: numbers.map { Int32(clamping: $0) })
    } catch {
      throw RequestError.labelFile(path, reason: "\(error)")
    }
  }
}
