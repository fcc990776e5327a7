public import PrismTensor

/// A dense array of `Double`: what the naive references in the tests compute with.
public struct Grid: Sendable {
  /// The extent of every axis.
  public let shape: Shape
  /// The elements in row-major order.
  public var values: [Double]

  /// Makes a grid from its elements.
  public init(_ shape: Shape, _ values: [Double]) {
    precondition(values.count == shape.count)
    self.shape = shape
    self.values = values
  }

  /// Makes a grid whose elements all have one value.
  public init(_ shape: Shape, repeating value: Double = 0) {
    self.init(shape, [Double](repeating: value, count: shape.count))
  }

  /// The exact values of a tensor.
  public init(_ tensor: Tensor) {
    self.init(tensor.shape, tensor.scalars.map(Double.init))
  }

  /// The element at the given index along every axis.
  public subscript(indices: Int...) -> Double {
    get { values[offset(indices)] }
    set { values[offset(indices)] = newValue }
  }

  /// A grid with a function applied to every element.
  public func map(_ transform: (Double) -> Double) -> Grid { Grid(shape, values.map(transform)) }

  private func offset(_ indices: [Int]) -> Int {
    var result = 0
    for (axis, index) in indices.enumerated() { result = result * shape[axis] + index }
    return result
  }
}
