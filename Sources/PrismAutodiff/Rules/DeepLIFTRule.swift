public import PrismTensor

/// DeepLIFT: what a walk back finds are multipliers, its counterpart of the gradient.
///
/// A multiplier says how much the output differs between an evaluation and a reference, for each
/// unit by which a value differs: `Σ multiplier · (value − reference value)` over the targets is
/// the difference of the outputs, for any size of the difference.
/// - An elementwise function of one value has the slope `Δy / Δx` (the Rescale rule).
/// - A selection, such as a max pool or the larger of two, credits what it rises by to where the evaluation has its
///   maximum, and what it falls by to where the reference has it.
/// - Every other operation is differentiated half-way between both evaluations, which is exact for
///   what is linear, and for products, where it is the symmetric rule
///   `Δx · (g + g₀) / 2 + Δg · (x + x₀) / 2`. For operations that are neither (softmax, batch
///   moments) the sum does not close.
///
/// Definition: Shrikumar, Greenside and Kundaje, "Learning Important Features Through Propagating
/// Activation Differences", ICML 2017.
public struct DeepLIFTRule: BackwardRule {
  /// Below this difference of its input a function's slope is its derivative half-way.
  static let smallest: Float = 1e-6

  /// The inputs of the evaluation that is compared with.
  public let reference: [Tensor]?

  /// Makes the rule.
  ///
  /// - Parameter reference: The inputs of the evaluation to compare with, one for each input of the
  ///   recording.
  public init(reference: [Tensor]) {
    self.reference = reference
  }

  /// The multipliers of the operation's inputs.
  public func pullback(_ cotangent: Tensor, through operation: EvaluatedOperation) -> [Tensor?] {
    guard let reference = operation.reference else { return operation.pullback(cotangent) }
    return switch operation.primitive.nature {
    case .rectifier, .elementwise: [rescaled(cotangent, operation, reference)]
    case .selection: credited(cotangent, operation, reference)
    case .linear, .rearrangement, .product, .other: halfway(cotangent, operation, reference)
    }
  }

  private func halfway(
    _ cotangent: Tensor, _ operation: EvaluatedOperation,
    _ reference: EvaluatedOperation.Values
  ) -> [Tensor?] {
    let middle = zip(operation.values.inputs, reference.inputs).map { x, x0 in
      x.zip(x0) { ($0 + $1) / 2 }
    }
    return operation.pullback(
      cotangent, at: .init(inputs: middle, output: operation.primitive.forward(middle)))
  }

  private func rescaled(
    _ cotangent: Tensor, _ operation: EvaluatedOperation,
    _ reference: EvaluatedOperation.Values
  ) -> Tensor? {
    guard operation.wanted[0] else { return nil }
    return Self.rescaled(
      cotangent, from: (operation.values.inputs[0], operation.values.output),
      to: (reference.inputs[0], reference.output)
    ) { _ in halfway(cotangent, operation, reference)[0] ?? Tensor(cotangent.shape) }
  }

  /// A cotangent times the slope of a function of one number between two evaluations.
  ///
  /// - Parameters:
  ///   - cotangent: In the shape of the function's output.
  ///   - value: The function's input and output in the evaluation that is explained.
  ///   - reference: The same in the other.
  ///   - derivative: The cotangent times the derivative at an input, where there is no slope.
  /// - Returns: In the shape of the function's input.
  static func rescaled(
    _ cotangent: Tensor, from value: (x: Tensor, y: Tensor), to reference: (x: Tensor, y: Tensor),
    derivative: (Tensor) -> Tensor
  ) -> Tensor {
    var isAlike = false
    var result = Tensor(uninitialized: cotangent.shape) { target in
      cotangent.withUnsafePointer { cotangent in
        value.x.withUnsafePointer { x in
          value.y.withUnsafePointer { y in
            reference.x.withUnsafePointer { x0 in
              reference.y.withUnsafePointer { y0 in
                for i in 0..<value.x.count {
                  let difference = x[i] - x0[i]
                  if abs(difference) < Self.smallest { isAlike = true }
                  target[i] = (y[i] - y0[i]) * cotangent[i] / difference
                }
              }
            }
          }
        }
      }
    }
    guard isAlike else { return result }
    let derivatives = derivative(value.x.zip(reference.x) { ($0 + $1) / 2 })
    result.withUnsafeMutablePointer { target in
      derivatives.withUnsafePointer { derivatives in
        value.x.withUnsafePointer { x in
          reference.x.withUnsafePointer { x0 in
            for i in 0..<value.x.count where abs(x[i] - x0[i]) < Self.smallest {
              target[i] = derivatives[i]
            }
          }
        }
      }
    }
    return result
  }

  private func credited(
    _ cotangent: Tensor, _ operation: EvaluatedOperation,
    _ reference: EvaluatedOperation.Values
  ) -> [Tensor?] {
    let difference = operation.values.output - reference.output
    let rise = cotangent.zip(difference) { $0 * max($1, 0) }
    let fall = cotangent.zip(difference) { $0 * min($1, 0) }
    let ups = operation.pullback(rise)
    let downs = operation.pullback(fall, at: reference)
    return ups.indices.map { i in
      guard let up = ups[i], let down = downs[i] else { return nil }
      // Where credit falls, the input differs by at least as much as the output.
      return (up + down).zip(operation.values.inputs[i] - reference.inputs[i]) {
        $1 == 0 ? 0 : $0 / $1
      }
    }
  }
}
