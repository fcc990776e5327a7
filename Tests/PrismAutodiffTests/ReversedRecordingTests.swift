import PrismAutodiff
import PrismOperationCases
import PrismTensor
import PrismTestSupport
import Testing

@Suite("recordings of the walk back")
struct ReversedRecordingTests {
  /// The gradients that the recorded walks back compute.
  private func gradients(
    _ recording: Recording, at target: ValueID, cotangents: [Tensor], given: [ValueID: Tensor],
    isGuided: Bool = false
  ) throws -> [Tensor] {
    let reversed = try #require(
      ReversedRecording(
        recording, of: recording.outputs[0], at: target, count: cotangents.count,
        isGuided: isGuided))
    let given = given.merging(zip(reversed.cotangents, cotangents)) { $1 }
    let found = try reversed.recording.evaluate(reversed.gradients, given: given)
    return reversed.gradients.compactMap { found[$0] }
  }

  @Test("of every operation have its pullback", arguments: OperationCase.all)
  func operations(_ operation: OperationCase) throws {
    guard operation.isDifferentiable else { return }
    let inputs = operation.makeInputs()
    let recording = try Recording(inputs: inputs.map(\.shape)) { values in
      [values[0].applying(operation.primitive, Array(values.dropFirst()))]
    }
    let given = Dictionary(uniqueKeysWithValues: zip(recording.inputs, inputs))
    var random = SeededRandom(seed: 8)
    let cotangents = (0..<2).map { _ in
      Tensor.uniform(recording[recording.outputs[0]].shape, in: -1..<1, using: &random)
    }
    for (index, target) in recording.inputs.enumerated() where operation.wanted[index] {
      let found = try gradients(recording, at: target, cotangents: cotangents, given: given)
      for (cotangent, found) in zip(cotangents, found) {
        let expected = try recording.gradient(
          of: recording.outputs[0], cotangent: cotangent, at: [target], given: given)
        expectClose(found, try #require(expected[target]), tolerance: 1e-6, "\(operation)")
      }
    }
  }

  @Test(
    "of a network have its gradients at every kind of value",
    arguments: ["stem", "branch", "gate", "excite", "block", "joined", "pooled"])
  func network(_ name: String) throws {
    let network = try SmallNetwork(isTraining: false)
    let recording = network.recording
    let cotangent = Tensor(recording[recording.outputs[0]].shape, repeating: 0.5)
    for target in [try network.id(name)] + recording.inputs {
      for isGuided in [false, true] {
        let found = try gradients(
          recording, at: target, cotangents: [cotangent], given: network.given,
          isGuided: isGuided)
        let expected = try recording.gradient(
          of: recording.outputs[0], cotangent: cotangent, at: [target], given: network.given,
          rule: isGuided ? GuidedRule() : ExactRule())
        expectClose(found[0], try #require(expected[target]), tolerance: 1e-5)
      }
    }
  }

  @Test(
    "of relevance divide it as the recording does",
    arguments: [
      RelevanceComposite(.epsilonPlusFlat), RelevanceComposite(.epsilon, epsilon: 0.1),
      RelevanceComposite(.gamma, gamma: 0.5),
      RelevanceComposite(.epsilonGammaBox(low: [-1, -0.5], high: [0.5, 1])),
    ])
  func relevance(_ composite: RelevanceComposite) throws {
    let network = try SmallNetwork(isTraining: false)
    let rule = RelevanceRule(composite)
    let walked = try #require(try rule.rewritten(network.recording))
    let reversed = try #require(
      try ReversedRecording(
        network.recording, dividing: composite, count: 2, mostFloats: .max))
    try compare(reversed, with: walked, rule, inputs: [network.input])
    #expect(
      try ReversedRecording(network.recording, dividing: composite, count: 2, mostFloats: 0) == nil
        || composite.kind == .epsilon)
  }

  @Test("of DeepLIFT find its multipliers")
  func multipliers() throws {
    let network = try SmallNetwork(isTraining: false)
    var random = SeededRandom(seed: 15)
    let reference = Tensor.uniform(network.input.shape, in: -1..<1, using: &random)
    let reversed = try #require(ReversedRecording(comparing: network.recording, count: 2))
    try compare(
      reversed, with: network.recording, DeepLIFTRule(reference: [reference]),
      inputs: [network.input, reference])
  }

  @Test("of DeepLIFT find the multipliers of every operation", arguments: OperationCase.all)
  func multipliers(_ operation: OperationCase) throws {
    let inputs = operation.makeInputs()
    guard operation.isDifferentiable, operation.wanted[0] else { return }
    let recording = try Recording(input: inputs[0].shape) { x in
      x.applying(
        operation.primitive,
        inputs.indices.dropFirst().map { x.parameter(inputs[$0], named: "operand \($0)") })
    }
    // Some numbers do not differ.
    let reference = inputs[0].map { $0 > 0 ? $0 : 1.5 * $0 }
    guard let reversed = ReversedRecording(comparing: recording, count: 1) else { return }
    try compare(
      reversed, with: recording, DeepLIFTRule(reference: [reference]),
      inputs: [inputs[0], reference])
  }

  /// Expects walks back to find what a rule finds on the walk through a recording.
  private func compare(
    _ reversed: ReversedRecording, with recording: Recording, _ rule: any BackwardRule,
    inputs: [Tensor]
  ) throws {
    let (input, output) = (recording.inputs[0], recording.outputs[0])
    var random = SeededRandom(seed: 16)
    let cotangents = reversed.cotangents.map { _ in
      Tensor.uniform(recording[output].shape, in: -1..<1, using: &random)
    }
    let given = reversed.recording.inputs + reversed.references + reversed.cotangents
    let found = try reversed.recording.evaluate(
      reversed.gradients, given: Dictionary(zip(given, inputs + cotangents)) { $1 })
    for (id, cotangent) in zip(reversed.gradients, cotangents) {
      let expected = try recording.gradient(
        of: output, cotangent: cotangent, at: [input], given: [input: inputs[0]], rule: rule)
      expectClose(try #require(found[id]), try #require(expected[input]), tolerance: 1e-5)
    }
  }

  @Test("are none where the output does not depend on the value")
  func independent() throws {
    let recording = try Recording(inputs: [[2], [2]]) { [$0[0] * $0[0]] }
    #expect(
      ReversedRecording(
        recording, of: recording.outputs[0], at: recording.inputs[1], count: 1) == nil)
  }

  /// The gradients by parameters that a recorded walk back computes.
  private func gradients(
    _ recording: Recording, by parameters: [ValueID], cotangent: Tensor, given: [ValueID: Tensor]
  ) throws -> [ValueID: Tensor] {
    let training = try #require(
      TrainingRecording(recording, of: recording.outputs[0], by: parameters))
    let found = try training.recording.evaluate(
      training.sums, given: given.merging([training.cotangent: cotangent]) { $1 })
    var result = training.gradients.compactMapValues { found[$0] }
    for folded in training.folded {
      let parts = folded.gradients(
        weight: try #require(found[folded.weight]), sum: try #require(found[folded.sum]),
        in: training.recording)
      result.merge(parts.filter { parameters.contains($0.key) }) { $0 + $1 }
    }
    return result
  }

  @Test("by parameters have the gradients of the recording, some of them and all")
  func parameters() throws {
    let network = try SmallNetwork(isTraining: false)
    let recording = network.recording
    let cotangent = Tensor.stacking([
      Tensor([3], [0.5, -1, 2]), Tensor([3], [1, 0.25, -0.5]),
    ]).reshaped(to: recording[recording.outputs[0]].shape)
    let statistics = try [network.id("mean"), network.id("variance")]
    let all = recording.parameterNames.keys.sorted().filter { !statistics.contains($0) }
    let some = try ["depthwise.weight", "excite"].map(network.id)
    for parameters in [all, some, [try network.id("scale")]] {
      let expected = try recording.gradient(
        of: recording.outputs[0], cotangent: cotangent, at: parameters, given: network.given)
      let found = try gradients(
        recording, by: parameters, cotangent: cotangent, given: network.given)
      #expect(found.count == parameters.count)
      for id in parameters {
        expectClose(
          try #require(found[id]), try #require(expected[id]), tolerance: 1e-5, "\(id.index)")
      }
    }
  }

  @Test("by the parameters of a convolution with a bias and a normalisation, used twice")
  func folded() throws {
    var random = SeededRandom(seed: 4)
    let weight = Tensor.uniform([3, 3, 3, 3], in: -1..<1, using: &random)
    let rows = (0..<5).map { i in
      Tensor.uniform([3], in: i > 2 ? 0.5..<2 : -1..<1, using: &random)
    }
    let x = Tensor.uniform([2, 5, 6, 3], in: -1..<1, using: &random)
    let recording = try Recording(input: x.shape) { x in
      func layer(_ x: Value) -> Value {
        x.convolution(
          x.parameter(weight, named: "weight"), bias: x.parameter(rows[0], named: "bias"),
          padding: .same
        ).batchNormalized(
          scale: x.parameter(rows[3], named: "scale"),
          offset: x.parameter(rows[1], named: "offset"),
          mean: x.parameter(rows[2], named: "mean"),
          variance: x.parameter(rows[4], named: "variance"), epsilon: 1e-3
        ).relu6()
      }
      return layer(layer(x))
    }
    let names = ["weight", "bias", "scale", "offset"]
    let parameters = try names.map { try #require(recording.value(named: $0)) }
    let given = [recording.inputs[0]: x]
    let cotangent = Tensor.uniform(
      recording[recording.outputs[0]].shape, in: -1..<1, using: &random)
    let expected = try recording.gradient(
      of: recording.outputs[0], cotangent: cotangent, at: parameters, given: given)
    let found = try gradients(
      recording, by: parameters, cotangent: cotangent, given: given)
    for (name, id) in zip(names, parameters) {
      expectClose(try #require(found[id]), try #require(expected[id]), tolerance: 1e-5, "\(name)")
    }
  }
}
