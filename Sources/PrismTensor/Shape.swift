/// The extents of a tensor, outermost axis first.
public struct Shape: Hashable, Sendable {
  /// The extent of every axis.
  public let dimensions: [Int]

  /// Makes a shape from the extent of every axis.
  public init(_ dimensions: [Int]) {
    self.dimensions = dimensions
  }

  /// The number of elements: the product of the extents (1 for a scalar).
  public var count: Int { dimensions.reduce(1, *) }

  /// The number of axes.
  public var rank: Int { dimensions.count }

  /// The extent of one axis; a negative axis counts from the end.
  public subscript(axis: Int) -> Int {
    dimensions[axis < 0 ? axis + dimensions.count : axis]
  }

  /// Whether every extent is at least 1 and the number of elements fits an `Int`.
  public var isValid: Bool {
    var product = 1
    for extent in dimensions {
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      guard extent > 0, !overflow else { return false }
      product = next
    }
    return true
  }

  /// The same shape with another extent along one axis.
  public func replacing(axis: Int, with extent: Int) -> Shape {
    var copy = dimensions
    copy[axis < 0 ? axis + copy.count : axis] = extent
    return Shape(copy)
  }

  /// The shape that two operands broadcast to (NumPy's rule), or `nil` where they do not.
  public static func broadcast(_ a: Shape, _ b: Shape) -> Shape? {
    let rank = max(a.rank, b.rank)
    var result = [Int](repeating: 1, count: rank)
    for i in 0..<rank {
      let x = i < rank - a.rank ? 1 : a.dimensions[i - (rank - a.rank)]
      let y = i < rank - b.rank ? 1 : b.dimensions[i - (rank - b.rank)]
      guard x == y || x == 1 || y == 1 else { return nil }
      result[i] = x == 1 ? y : x
    }
    return Shape(result)
  }
}

extension Shape: ExpressibleByArrayLiteral {
  /// Makes a shape from a literal such as `[1, 224, 224, 3]`.
  public init(arrayLiteral elements: Int...) {
    self.init(elements)
  }
}

extension Shape: CustomStringConvertible {
  /// The extents joined by `×`, as `1×224×224×3`; `scalar` for rank 0.
  public var description: String {
    dimensions.isEmpty ? "scalar" : dimensions.map(String.init).joined(separator: "×")
  }
}
