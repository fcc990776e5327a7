internal import PrismTensor

/// An operation whose walk back divides relevance instead of taking the derivative.
struct RelevanceStep: Primitive {
  /// How relevance is divided among the operands.
  enum Division: Sendable, Equatable {
    /// As the derivative does: where the operation hands numbers on, such as a concatenation, or a
    /// maximum to its winner.
    case derivative
    /// All of it to one operand, as it is.
    case whole(operand: Int)
    /// In equal parts to the operands that ask for it.
    case equal
    /// In proportion to what every element contributes to the output.
    case proportional
    /// As a layer with weights does by a rule.
    case layer(LayerRule)
    /// At the end of the network, where the walk begins: the number itself, where it is selected.
    case start
  }

  let base: any Primitive
  let division: Division

  var name: String { base.name }
  var nature: Nature { base.nature }
  var reach: Reach { base.reach }

  func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape { try base.outputShape(inputs) }

  func flops(_ inputs: [Shape], output: Shape) -> Int { base.flops(inputs, output: output) }

  // Two parts of a layer with their weights, inputs, outputs and shares, beside what the layer takes.
  func scratchSize(_ inputs: [Shape], output: Shape) -> Int {
    let scratch = base.scratchSize(inputs, output: output)
    guard case .layer = division else { return scratch + 2 * output.count }
    return scratch + 4 * (inputs[0].count + inputs[1].count + output.count)
  }

  func forward(_ inputs: [Tensor]) -> Tensor { base.forward(inputs) }

  func pullback(
    _ relevance: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    switch division {
    case .derivative:
      return base.pullback(relevance, inputs: inputs, output: output, wanted: wanted)
    case .whole(let operand):
      return inputs.indices.map {
        $0 == operand ? sumOfBroadcast(relevance, to: inputs[$0].shape) : nil
      }
    case .equal:
      let part = relevance * (1 / Float(max(wanted.count { $0 }, 1)))
      return inputs.indices.map { wanted[$0] ? sumOfBroadcast(part, to: inputs[$0].shape) : nil }
    case .proportional:
      let quotient = relevance.divided(by: output, LayerRule.stabilizer)
      let back = base.pullback(quotient, inputs: inputs, output: output, wanted: wanted)
      return inputs.indices.map { i in back[i].map { $0 * inputs[i] } }
    case .layer(let rule):
      let share = rule.divide(relevance, through: base, inputs: inputs, output: output)
      return [share] + inputs.dropFirst().map { _ in nil }
    case .start: return [relevance * output]
    }
  }
}
