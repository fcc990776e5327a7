public import PrismTensor

/// A division of an image into segments: a label from 0 to count − 1 for every pixel.
public struct Segmentation: Sendable, Equatable, Codable {
  /// The rows.
  public let height: Int
  /// The columns.
  public let width: Int
  /// The label of every pixel in row-major order, from 0 to `count − 1`; every label occurs.
  public let labels: [Int32]
  /// The number of segments.
  public let count: Int

  /// Makes a segmentation of labels that are checked.
  ///
  /// - Parameters:
  ///   - height: The rows.
  ///   - width: The columns.
  ///   - labels: One a pixel, in row-major order.
  /// - Throws: ``ExplanationError/labels(_:)`` where the labels are too few, negative or have gaps.
  public init(height: Int, width: Int, labels: [Int32]) throws(ExplanationError) {
    let (area, overflow) = height.multipliedReportingOverflow(by: width)
    guard height > 0, width > 0, !overflow, labels.count == area else {
      throw .labels("has \(labels.count) labels for \(height)×\(width) pixels")
    }
    let top = Int(labels.max() ?? 0)
    guard (labels.min() ?? 0) >= 0 else { throw .labels("holds negative labels") }
    guard top < labels.count else {
      throw .labels("has the label \(top) in an image of \(labels.count) pixels")
    }
    var isUsed = [Bool](repeating: false, count: top + 1)
    for label in labels { isUsed[Int(label)] = true }
    if let gap = isUsed.firstIndex(of: false) {
      throw .labels("has no pixel with the label \(gap)")
    }
    self.height = height
    self.width = width
    self.labels = labels
    count = top + 1
  }

  private enum CodingKeys: String, CodingKey {
    case height, width, labels
  }

  /// Reads a segmentation, whose labels are checked.
  ///
  /// - Throws: `DecodingError`, ``ExplanationError/labels(_:)``.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      height: try container.decode(Int.self, forKey: .height),
      width: try container.decode(Int.self, forKey: .width),
      labels: try container.decode([Int32].self, forKey: .labels))
  }

  /// Writes the size and the label of every pixel.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(height, forKey: .height)
    try container.encode(width, forKey: .width)
    try container.encode(labels, forKey: .labels)
  }

  /// Makes a segmentation of a map of labels, such as an anatomical mask.
  ///
  /// - Parameter map: `[H, W]`, whole numbers from 0 up without gaps.
  /// - Throws: ``ExplanationError/labels(_:)``.
  public init(_ map: Tensor) throws(ExplanationError) {
    guard map.shape.rank == 2 else { throw .labels("has the shape \(map.shape), not [H, W]") }
    var labels: [Int32] = []
    labels.reserveCapacity(map.count)
    for value in map.scalars {
      guard let label = Int32(exactly: value) else { throw .labels("holds \(value)") }
      labels.append(label)
    }
    try self.init(height: map.shape[0], width: map.shape[1], labels: labels)
  }

  /// Makes a segmentation of any labels by numbering those that occur in ascending order.
  init(renumbering labels: [Int], height: Int, width: Int) {
    let numbers = Dictionary(
      uniqueKeysWithValues: Set(labels).sorted().enumerated().map { ($1, Int32($0)) })
    self.height = height
    self.width = width
    self.labels = labels.map { numbers[$0] ?? 0 }
    count = numbers.count
  }

  /// The number of pixels of every segment.
  public var sizes: [Int] {
    var sizes = [Int](repeating: 0, count: count)
    for label in labels { sizes[Int(label)] += 1 }
    return sizes
  }

  /// A map with every segment's number at all of its pixels, `[H, W]`.
  ///
  /// - Precondition: There is one number a segment.
  public func map(_ values: [Double]) -> Tensor {
    precondition(values.count == count, "\(values.count) values for \(count) segments")
    return Tensor(uninitialized: [height, width]) { target in
      for p in labels.indices { target[p] = Float(values[Int(labels[p])]) }
    }
  }

  /// Whether a pixel has a neighbour to the right or below in another segment, row by row.
  public var borders: [Bool] {
    labels.indices.map { p in
      (p % width + 1 < width && labels[p + 1] != labels[p])
        || (p + width < labels.count && labels[p + width] != labels[p])
    }
  }
}

extension Segmentation {
  /// Throws unless the segmentation has the image's size.
  func check(for image: ExplainedImage) throws(ExplanationError) {
    guard height == image.height, width == image.width else {
      throw .maskSize(given: [height, width], expected: [image.height, image.width])
    }
  }
}

extension Segmentation {
  /// A map of the segments' standard errors, or nothing where they are not known.
  func errorMap(_ values: [Double]) -> Tensor? {
    values.allSatisfy(\.isFinite) ? map(values) : nil
  }
}
