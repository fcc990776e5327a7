public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The exponential linear unit, x where it is positive and `alpha · (exp(x) − 1)` elsewhere.
public struct ELU: ElementwisePrimitive {
  /// What large negative numbers become, less its sign.
  public let alpha: Float

  /// Makes the operation.
  public init(alpha: Float = 1) {
    self.alpha = alpha
  }

  public var name: String { "elu" }

  public var nature: Nature { .rectifier }

  public var flopsPerElement: Int { 4 }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    inputs[0].map { $0 > 0 ? $0 : alpha * exponentialLessOne($0) }
  }

  // dx = dy · alpha · exp(x) where x is not positive.
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [cotangent.zip(inputs[0]) { $1 > 0 ? $0 : $0 * alpha * (exponentialLessOne($1) + 1) }]
  }
}

extension Value {
  /// Records x where it is positive and `alpha · (exp(x) − 1)` elsewhere.
  public func elu(alpha: Float = 1) -> Value { applying(ELU(alpha: alpha)) }
}
