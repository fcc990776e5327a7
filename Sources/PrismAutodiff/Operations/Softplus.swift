internal import PrismKernels
public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The smooth rectifier `log(1 + exp(x))`, element by element.
public struct Softplus: ElementwisePrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "softplus" }

  public var nature: Nature { .rectifier }

  public var flopsPerElement: Int { 6 }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    inputs[0].map { max($0, 0) + logarithm(onePlus: exponential(-abs($0))) }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [cotangent.zip(inputs[0]) { $0 * plainSigmoid($1) }]
  }
}

extension Value {
  /// Records `log(1 + exp(x))`.
  public func softplus() -> Value { applying(Softplus()) }
}
