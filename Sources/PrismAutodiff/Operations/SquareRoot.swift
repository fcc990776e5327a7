public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The square root, element by element.
public struct SquareRoot: ElementwisePrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "squareRoot" }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    inputs[0].map { $0.squareRoot() }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [cotangent.zip(output) { $0 / (2 * $1) }]
  }
}

extension Value {
  /// Records the square root.
  public func squareRoot() -> Value { applying(SquareRoot()) }
}
