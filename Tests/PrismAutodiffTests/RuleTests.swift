import PrismAutodiff
import PrismTensor
import PrismTestSupport
import Testing

@Suite("rules of the walk back")
struct RuleTests {
  /// `x²`, element by element, which says of itself what it is told to.
  struct Square: ElementwisePrimitive {
    var nature: Nature
    let name = "square"

    func forward(_ inputs: [Tensor]) -> Tensor { inputs[0].map { $0 * $0 } }

    func pullback(
      _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
    ) -> [Tensor?] { [cotangent.zip(inputs[0]) { 2 * $0 * $1 }] }
  }

  private func walk(
    _ nature: Nature, _ rule: any BackwardRule, cotangent: [Float]
  ) throws -> [Float] {
    let recording = try Recording(input: [3]) { $0.applying(Square(nature: nature)) }
    let found = try recording.gradient(
      of: recording.outputs[0], cotangent: Tensor([3], cotangent), at: recording.inputs,
      given: [recording.inputs[0]: Tensor([3], [3, -1, 2])], rule: rule)
    return try #require(found[recording.inputs[0]]).scalars
  }

  @Test("an operation that no rule knows is treated as what it says it is, by hand")
  func natures() throws {
    let cotangent: [Float] = [1, 1, -1]
    #expect(try walk(.elementwise, ExactRule(), cotangent: cotangent) == [6, -2, -4])
    // Guided: only where the input and the cotangent are positive, and only at rectifiers.
    #expect(try walk(.rectifier, GuidedRule(), cotangent: cotangent) == [6, 0, 0])
    #expect(try walk(.elementwise, GuidedRule(), cotangent: cotangent) == [6, -2, -4])
    // DeepLIFT from (1, 0, 2): Δy / Δx is x + x₀; where nothing differs, the derivative half-way.
    let rule = DeepLIFTRule(reference: [Tensor([3], [1, 0, 2])])
    #expect(try walk(.elementwise, rule, cotangent: cotangent) == [4, -1, -4])
    #expect(try walk(.rectifier, rule, cotangent: cotangent) == [4, -1, -4])
    // A selection: (2x · max(Δy, 0) + 2x₀ · min(Δy, 0)) / Δx, with Δy = 8, 1 and 0.
    #expect(try walk(.selection, rule, cotangent: cotangent) == [24, 2, 0])
  }

  @Test("every operation but the pools and rectifiers is exact half-way where it is linear")
  func linearity() throws {
    var random = SeededRandom(seed: 2)
    let weight = Tensor.uniform([3, 2, 3, 3], using: &random)
    let recording = try Recording(input: [1, 6, 6, 2]) { x in
      x.convolution(x.parameter(weight, named: "w"), padding: .same).averagePool(kernel: 2)
        .padded(top: 1, right: 2).adaptiveAveragePool(height: 2, width: 3)
        .flattenedChannelsFirst()
    }
    let (input, output) = (recording.inputs[0], recording.outputs[0])
    for id in recording.ids where recording.primitive(of: id) != nil {
      let nature = try #require(recording.primitive(of: id)).nature
      #expect(nature == .linear || nature == .rearrangement)
    }
    let x = Tensor.uniform([1, 6, 6, 2], using: &random)
    let cotangent = Tensor.uniform(recording[output].shape, using: &random)
    let gradient = try recording.gradient(
      of: output, cotangent: cotangent, at: [input], given: [input: x])
    let multipliers = try recording.gradient(
      of: output, cotangent: cotangent, at: [input], given: [input: x],
      rule: DeepLIFTRule(reference: [Tensor(x.shape)]))
    #expect(gradient[input] == multipliers[input])
  }

  @Test("multipliers through the larger of two, and quotients by constants, add up exactly")
  func closing() throws {
    var random = SeededRandom(seed: 12)
    let weight = Tensor.uniform([6, 8], using: &random)
    let recording = try Recording(input: [1, 8]) { x in
      let y = x.dense(x.parameter(weight, named: "w"))
      let largest = y.sliced(from: 0, to: 3).maximum(y.sliced(from: 3, to: 6))
      let least = y.sliced(from: 0, to: 3).minimum(largest.gelu())
      return least / x.parameter(Tensor([3], [2, -4, 0.5]), named: "d")
    }
    let (input, output) = (recording.inputs[0], recording.outputs[0])
    let x = Tensor.uniform([1, 8], in: -2..<2, using: &random)
    let reference = Tensor.uniform([1, 8], in: -2..<2, using: &random)
    let cotangent = Tensor.uniform([1, 3], using: &random)
    let multipliers = try #require(
      try recording.gradient(
        of: output, cotangent: cotangent, at: [input], given: [input: x],
        rule: DeepLIFTRule(reference: [reference]))[input])
    func value(_ x: Tensor) throws -> Double {
      let y = try recording.evaluate([output], given: [input: x])[output] ?? Tensor([1, 3])
      return (y * cotangent).scalars.reduce(0) { $0 + Double($1) }
    }
    let sum = (multipliers * (x - reference)).scalars.reduce(0) { $0 + Double($1) }
    #expect(try abs(sum - (value(x) - value(reference))) < 1e-5)
  }

  @Test("one trace serves several cotangents with the bits of one each", arguments: [false, true])
  func sharedTrace(_ compares: Bool) throws {
    var random = SeededRandom(seed: 9)
    let weight = Tensor.uniform([4, 6], using: &random)
    let recording = try Recording(input: [1, 6]) { x in
      let y = x.dense(x.parameter(weight, named: "w")).silu()
      return y * y.tanh()
    }
    let (input, output) = (recording.inputs[0], recording.outputs[0])
    let x = Tensor.uniform([1, 6], using: &random)
    let rule: any BackwardRule =
      compares ? DeepLIFTRule(reference: [Tensor([1, 6])]) : ExactRule()
    let trace = try recording.trace(of: output, at: [input], given: [input: x], rule: rule)
    for k in 0..<4 {
      var cotangent = Tensor([1, 4])
      cotangent[0, k] = 1
      let alone = try recording.gradient(
        of: output, cotangent: cotangent, at: [input], given: [input: x], rule: rule)
      #expect(try trace.gradient(cotangent: cotangent)[input] == alone[input])
    }
  }

  @Test("a reference with another number of inputs is refused")
  func reference() throws {
    let recording = try Recording(inputs: [[2], [2]]) { [$0[0] * $0[1]] }
    #expect(throws: EvaluationError.wrongNumberOfInputs(expected: 2, given: 1)) {
      try recording.gradient(
        of: recording.outputs[0], cotangent: Tensor([2]), at: [recording.inputs[0]],
        given: [recording.inputs[0]: Tensor([2]), recording.inputs[1]: Tensor([2])],
        rule: DeepLIFTRule(reference: [Tensor([2])]))
    }
  }

  @Test("a value is found again in a recording of another batch, with more inputs, and only there")
  func counterparts() throws {
    let weight = Tensor([2, 8], repeating: 1)
    func head(_ x: Value, dropout: Bool) -> Value {
      let y = dropout ? x.maxPool(kernel: 2).dropout(rate: 0.5, seed: 1) : x.maxPool(kernel: 2)
      return y.flattenedChannelsFirst().dense(y.parameter(weight, named: "w"))
    }
    let one = try Recording(input: [1, 4, 4, 2]) { head($0, dropout: true) }
    let cut = one.cut(before: one.ids.first { one.primitive(of: $0) is Dropout })
    #expect(one.primitive(of: cut) is MaxPool)
    let loss = try Recording(inputs: [[3, 4, 4, 2], [3, 2]]) { x in
      [head(x[0], dropout: true).crossEntropy(x[1])]
    }
    let inference = try Recording(input: [2, 4, 4, 2]) { head($0, dropout: false) }
    for other in [loss, inference] {
      #expect(other.primitive(of: try other.counterpart(of: cut, in: one)) is MaxPool)
      #expect(try other.counterpart(of: one.inputs[0], in: one) == other.inputs[0])
    }
    // A loss has further inputs, which are no way round a cut.
    #expect(
      loss.cut(before: loss.ids.first { loss.primitive(of: $0) is Dropout })
        == (try loss.counterpart(of: cut, in: one)))
    // After the dropout the recordings differ.
    let after = try #require(one.ids.first { one.primitive(of: $0) is FlattenChannelsFirst })
    #expect(throws: ShapeError.self) { try inference.counterpart(of: after, in: one) }
  }
}
