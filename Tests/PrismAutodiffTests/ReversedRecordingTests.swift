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

  @Test("are none where the output does not depend on the value")
  func independent() throws {
    let recording = try Recording(inputs: [[2], [2]]) { [$0[0] * $0[0]] }
    #expect(
      ReversedRecording(
        recording, of: recording.outputs[0], at: recording.inputs[1], count: 1) == nil)
  }
}
