public import PrismTensor

/// A dense array of `Double`: what the naive references in the tests compute with.
public struct Grid: Sendable {
  public let shape: Shape
  public var values: [Double]

  public init(_ shape: Shape, _ values: [Double]) {
    precondition(values.count == shape.count)
    self.shape = shape
    self.values = values
  }

  public init(_ shape: Shape, repeating value: Double = 0) {
    self.init(shape, [Double](repeating: value, count: shape.count))
  }

  /// The exact values of a tensor.
  public init(_ tensor: Tensor) {
    self.init(tensor.shape, tensor.scalars.map(Double.init))
  }

  public subscript(indices: Int...) -> Double {
    get { values[offset(indices)] }
    set { values[offset(indices)] = newValue }
  }

  public func map(_ transform: (Double) -> Double) -> Grid { Grid(shape, values.map(transform)) }

  private func offset(_ indices: [Int]) -> Int {
    var result = 0
    for (axis, index) in indices.enumerated() { result = result * shape[axis] + index }
    return result
  }
}
