internal import PrismKernels
public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The Gauss error function, `2/√π ∫₀ˣ exp(−t²) dt`, element by element.
public struct ErrorFunction: ElementwisePrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "erf" }

  public var flopsPerElement: Int { 20 }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    inputs[0].map(plainErrorFunction)
  }

  // dx = dy · 2/√π · exp(−x²).
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [cotangent.zip(inputs[0]) { $0 * 1.128_379_17 * plainExponential(-$1 * $1) }]
  }
}

extension Value {
  /// Records the Gauss error function.
  public func errorFunction() -> Value { applying(ErrorFunction()) }
}
