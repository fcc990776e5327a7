internal import PrismTensor

/// How a layer with weights, `y = W x + b`, divides the relevance of its outputs among its inputs.
///
/// Every rule divides relevance by some z, moves the quotients back through some weights, and
/// multiplies with some input. What is divided by is kept away from zero by ``stabilizer`` in the
/// direction of its sign.
enum LayerRule: Sendable, Equatable {
  /// In proportion to what every input contributes to the output.
  case epsilon(Float)
  /// In proportion to positive contributions alone (z⁺; α = 1 and β = 0).
  case positive
  /// As ``epsilon(_:)``, with contributions in the direction of the output so much larger; for
  /// inputs of both signs.
  case gamma(Float)
  /// In equal parts, whatever the weights.
  case flat
  /// By contributions beyond the least that an input within a box could make (zᴮ); one number a
  /// channel at each end.
  case box(low: [Float], high: [Float])

  /// What is added to the magnitude of divisors, but by the ε rule.
  static let stabilizer: Float = 1e-6

  /// The relevance of the input.
  ///
  /// - Parameters:
  ///   - relevance: That of the output.
  ///   - layer: A convolution, or a fully connected layer.
  ///   - inputs: The input, the weight and, optionally, the bias.
  ///   - output: What the layer computed of them.
  /// - Returns: In the input's shape.
  func divide(
    _ relevance: Tensor, through layer: any Primitive, inputs: [Tensor], output: Tensor
  ) -> Tensor {
    let (x, weight) = (inputs[0], inputs[1])
    let bias = inputs.count > 2 ? inputs[2] : nil
    func part(_ input: Tensor, _ modify: (Float) -> Float, hasBias: Bool = true) -> Part {
      Part(
        layer: layer, input: input, weight: weight.map(modify),
        bias: hasBias ? bias?.map(modify) : nil)
    }
    switch self {
    case .epsilon(let epsilon):
      let whole = Part(layer: layer, input: x, weight: weight, bias: nil)
      return whole.share(of: relevance.divided(by: output, epsilon))
    case .positive:
      return Self.shared(
        relevance,
        [part(x.positive, { max($0, 0) })]
          + (x.minimum < 0 ? [part(x.negative, { min($0, 0) }, hasBias: false)] : []))
    case .gamma(let gamma):
      func up(_ w: Float) -> Float { w + gamma * max(w, 0) }
      func down(_ w: Float) -> Float { w + gamma * min(w, 0) }
      let hasNegative = x.minimum < 0
      func shared(
        _ relevance: Tensor, _ along: (Float) -> Float, _ against: (Float) -> Float
      ) -> Tensor? {
        guard !relevance.isZero else { return nil }
        return Self.shared(
          relevance,
          [part(x.positive, along)]
            + (hasNegative ? [part(x.negative, against, hasBias: false)] : []))
      }
      let rising = shared(relevance.zip(output) { $1 > 0 ? $0 : 0 }, up, down)
      let falling = shared(relevance.zip(output) { $1 < 0 ? $0 : 0 }, down, up)
      guard let rising else { return falling ?? Tensor(x.shape) }
      return falling.map { rising + $0 } ?? rising
    case .flat:
      let even = Part(
        layer: layer, input: Tensor(x.shape, repeating: 1),
        weight: Tensor(weight.shape, repeating: 1), bias: nil)
      return Self.shared(relevance, [even])
    case .box(let low, let high):
      let whole = Part(layer: layer, input: x, weight: weight, bias: nil)
      let least = part(Tensor(x.shape, channels: low), { max($0, 0) })
      let most = part(Tensor(x.shape, channels: high), { min($0, 0) })
      let quotient = relevance.divided(
        by: output - least.output - most.output, Self.stabilizer)
      return whole.share(of: quotient) - least.share(of: quotient) - most.share(of: quotient)
    }
  }

  /// The relevance of the inputs of parts that make up the output together.
  private static func shared(_ relevance: Tensor, _ parts: [Part]) -> Tensor {
    let outputs = parts.map(\.output)
    let sum = outputs.dropFirst().reduce(outputs[0], +)
    let quotient = relevance.divided(by: sum, stabilizer)
    let shares = parts.map { $0.share(of: quotient) }
    return shares.dropFirst().reduce(shares[0], +)
  }

  /// The layer with another input and other weights.
  private struct Part {
    let layer: any Primitive
    let input: Tensor
    let weight: Tensor
    let bias: Tensor?

    private var operands: [Tensor] { [input, weight] + (bias.map { [$0] } ?? []) }

    var output: Tensor { layer.forward(operands) }

    /// What moves back to the input of a quotient at the output.
    func share(of quotient: Tensor) -> Tensor {
      let back = layer.pullback(
        quotient, inputs: operands, output: quotient,
        wanted: [true] + operands.dropFirst().map { _ in false })
      return back[0].map { $0 * input } ?? Tensor(input.shape)
    }
  }
}

extension Tensor {
  /// The quotients, with so much added to the magnitude of every divisor.
  func divided(by divisor: Tensor, _ epsilon: Float) -> Tensor {
    zip(divisor) { $0 / ($1 < 0 ? $1 - epsilon : $1 + epsilon) }
  }

  /// The positive numbers, and zeros.
  fileprivate var positive: Tensor { map { max($0, 0) } }

  /// The negative numbers, and zeros.
  fileprivate var negative: Tensor { map { min($0, 0) } }

  /// A tensor with one number for every channel, the last axis.
  init(_ shape: Shape, channels: [Float]) {
    self.init(uninitialized: shape) { target in
      for i in 0..<shape.count { target[i] = channels[i % channels.count] }
    }
  }
}
