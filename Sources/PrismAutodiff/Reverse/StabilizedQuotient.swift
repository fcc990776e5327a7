package import PrismTensor

/// The quotients of two tensors, with so much added to the magnitude of every divisor.
///
/// Its inputs are what is divided, the divisors, and optionally numbers of which the sign says
/// where quotients are zero.
package struct StabilizedQuotient: Primitive {
  /// Where there are quotients.
  package enum Side: Sendable {
    /// Everywhere.
    case both
    /// Where the third input is positive.
    case positive
    /// Where the third input is negative.
    case negative
  }

  /// What is added to the magnitude of divisors.
  package let epsilon: Float
  /// Where there are quotients.
  package let side: Side

  package var name: String { "stabilizedQuotient" }

  package var nature: Nature { .other }

  package var reach: Reach { .pointwise }

  /// The shape of all inputs.
  ///
  /// - Throws: ``ShapeError`` where they differ.
  package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(side == .both ? 2...2 : 3...3, inputs)
    guard inputs.allSatisfy({ $0 == inputs[0] }) else {
      throw ShapeError(name, inputs, "all inputs need one shape")
    }
    return inputs[0]
  }

  /// The quotients.
  package func forward(_ inputs: [Tensor]) -> Tensor {
    let quotients = inputs[0].divided(by: inputs[1], epsilon)
    return switch side {
    case .both: quotients
    case .positive: quotients.zip(inputs[2]) { $1 > 0 ? $0 : 0 }
    case .negative: quotients.zip(inputs[2]) { $1 < 0 ? $0 : 0 }
    }
  }

  /// None: nothing walks back twice.
  package func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] { inputs.map { _ in nil } }

  package func flops(_ inputs: [Shape], output: Shape) -> Int { 2 * output.count }
}
