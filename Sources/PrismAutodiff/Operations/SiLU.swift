internal import PrismKernels
public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The sigmoid-weighted unit `x / (1 + exp(−x))` (also called swish), element by element.
public struct SiLU: ElementwisePrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "silu" }

  public var nature: Nature { .rectifier }

  public var flopsPerElement: Int { 5 }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    inputs[0].map { $0 * plainSigmoid($0) }
  }

  // With s the sigmoid of x: dx = dy · s · (1 + x · (1 − s)).
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [
      cotangent.zip(inputs[0]) { dy, x in
        let s = plainSigmoid(x)
        return dy * s * (1 + x * (1 - s))
      }
    ]
  }
}

extension Value {
  /// Records `x / (1 + exp(−x))`.
  public func silu() -> Value { applying(SiLU()) }
}
