public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The rectifier that lets a share of negative numbers pass: x where it is positive, else `slope · x`.
public struct LeakyReLU: ElementwisePrimitive {
  /// The share of negative numbers that passes.
  public let slope: Float

  /// Makes the operation.
  public init(slope: Float = 0.01) {
    self.slope = slope
  }

  public var name: String { "leakyReLU" }

  public var nature: Nature { .rectifier }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    inputs[0].map { $0 > 0 ? $0 : slope * $0 }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [cotangent.zip(inputs[0]) { $1 > 0 ? $0 : slope * $0 }]
  }
}

extension Value {
  /// Records x where it is positive and `slope · x` elsewhere.
  public func leakyReLU(slope: Float = 0.01) -> Value { applying(LeakyReLU(slope: slope)) }
}
