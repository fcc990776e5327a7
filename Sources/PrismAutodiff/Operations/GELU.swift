internal import PrismKernels
public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The Gaussian error linear unit `x · Φ(x)`, with Φ the normal distribution, element by element.
///
/// Definition: Hendrycks and Gimpel, "Gaussian Error Linear Units", arXiv:1606.08415.
public struct GELU: ElementwisePrimitive {
  /// How Φ is computed.
  public enum Approximation: String, Sendable, CaseIterable {
    /// `(1 + erf(x / √2)) / 2`.
    case none
    /// `(1 + tanh(√(2/π) · (x + 0.044715 · x³))) / 2`.
    case tanh
  }

  /// How Φ is computed.
  public let approximation: Approximation

  /// Makes the operation.
  public init(approximation: Approximation = .none) {
    self.approximation = approximation
  }

  public var name: String { "gelu" }

  public var nature: Nature { .rectifier }

  public var flopsPerElement: Int { approximation == .none ? 22 : 10 }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    switch approximation {
    case .none: inputs[0].map { 0.5 * $0 * (1 + plainErrorFunction($0 * 0.707_106_78)) }
    case .tanh: inputs[0].map { $0 * plainSigmoid(Self.inner($0)) }
    }
  }

  // d(x · Φ) = Φ + x · φ, with φ the density of Φ or, of the approximation, its derivative.
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    switch approximation {
    case .none:
      [
        cotangent.zip(inputs[0]) { dy, x in
          let share = 0.5 * (1 + plainErrorFunction(x * 0.707_106_78))
          return dy * (share + x * 0.398_942_28 * plainExponential(-0.5 * x * x))
        }
      ]
    case .tanh:
      [
        cotangent.zip(inputs[0]) { dy, x in
          let share = plainSigmoid(Self.inner(x))
          // Beyond, the second term is nothing.
          let x = min(max(x, -20), 20)
          let slope = 1.595_769_12 * (1 + 0.134_145 * x * x)
          return dy * (share + x * share * (1 - share) * slope)
        }
      ]
    }
  }

  // (1 + tanh u) / 2 is the sigmoid of 2u.
  private static func inner(_ x: Float) -> Float { 1.595_769_12 * (x + 0.044_715 * x * x * x) }
}

extension Value {
  /// Records `x · Φ(x)`.
  public func gelu(approximation: GELU.Approximation = .none) -> Value {
    applying(GELU(approximation: approximation))
  }
}
