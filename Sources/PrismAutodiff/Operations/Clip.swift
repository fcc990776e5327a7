public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The nearest number between two bounds, element by element.
public struct Clip: ElementwisePrimitive {
  /// The lower bound; −∞ for none.
  public let low: Float
  /// The upper bound, not below the lower; +∞ for none.
  public let high: Float

  /// Makes the operation.
  public init(low: Float = -.infinity, high: Float = .infinity) {
    self.low = low
    self.high = high
  }

  public var name: String { "clip" }

  public var nature: Nature { low == 0 ? .rectifier : .elementwise }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    inputs[0].map { $0 < low ? low : ($0 > high ? high : $0) }
  }

  // The derivative is 1 strictly between the bounds and 0 elsewhere.
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [cotangent.zip(inputs[0]) { $1 > low && $1 < high ? $0 : 0 }]
  }
}

extension Value {
  /// Records the nearest number between two bounds.
  public func clipped(low: Float = -.infinity, high: Float = .infinity) -> Value {
    applying(Clip(low: low, high: high))
  }
}
