import PrismAutodiff
import PrismOperationCases
import PrismTensor
import PrismTestSupport
import Synchronization
import Testing

@Suite("gradient")
struct GradientTests {
  @Test(
    "of a small network agrees with central differences at every kind of value",
    arguments: [false, true])
  func smallNetwork(isTraining: Bool) throws {
    let network = try SmallNetwork(isTraining: isTraining)
    let names = [
      "stem.weight", "stem", "depthwise.weight", "scale", "offset", "mean", "variance", "branch",
      "gate", "excite", "block", "joined", "pooled", "head.weight", "head.bias",
    ]
    // A moment of the batch has a gradient of its own only where nothing upstream is asked as well:
    // central differences hold the given values fixed, and so does the gradient.
    let targets = try names.map(network.id) + network.recording.inputs
    for target in targets {
      try network.recording.expectGradients(
        of: network.id("logits"), at: [target], given: network.given)
    }
  }

  @Test("of a loss with respect to all parameters at once agrees with central differences")
  func allParameters() throws {
    let network = try SmallNetwork(isTraining: true)
    let parameters = network.recording.names.map(\.value).filter {
      if case .parameter = network.recording[$0].origin { true } else { false }
    }
    #expect(parameters.count == 8)
    try network.recording.expectGradients(
      of: network.id("logits"), at: parameters, given: network.given)
  }

  @Test("of cross entropy through a classifier agrees with central differences")
  func crossEntropy() throws {
    let recording = try Recording(inputs: [[3, 4], [3, 5]]) { values in
      let weight = values[0].parameter(
        Tensor([5, 4], (0..<20).map { Float($0 % 7) * 0.3 - 0.9 }), named: "weight")
      return [values[0].dense(weight).tanh().crossEntropy(values[1])]
    }
    var random = SeededRandom(seed: 4)
    let given = [
      recording.inputs[0]: Tensor.normal([3, 4], using: &random),
      recording.inputs[1]: Tensor.uniform([3, 5], using: &random),
    ]
    let weight = try #require(recording.value(named: "weight"))
    try recording.expectGradients(
      of: recording.outputs[0], at: recording.inputs + [weight], given: given)
  }

  @Test("adds up over every use of a value")
  func fanOut() throws {
    // f = (x + x) · x − x = 2 x² − x, so f′ = 4 x − 1.
    let recording = try Recording(input: [3]) { x in (x + x) * x - x }
    let x = Tensor([3], [-1, 0.5, 2])
    let gradients = try recording.gradient(
      of: recording.outputs[0], cotangent: Tensor([3], [1, 10, 100]), at: recording.inputs,
      given: [recording.inputs[0]: x])
    #expect(gradients[recording.inputs[0]] == Tensor([3], [-5, 10, 700]))
  }

  @Test("does not overwrite a cotangent that two operands share")
  func sharedCotangent() throws {
    // y = a + b hands one tensor to both; a then gets more through its second use.
    let recording = try Recording(inputs: [[2], [2]]) { v in [(v[0] + v[1]) + v[0]] }
    let one = Tensor([2], repeating: 1)
    let gradients = try recording.gradient(
      of: recording.outputs[0], cotangent: one, at: recording.inputs,
      given: [recording.inputs[0]: one, recording.inputs[1]: one])
    #expect(gradients[recording.inputs[0]] == Tensor([2], repeating: 2))
    #expect(gradients[recording.inputs[1]] == one)
  }

  @Test("is zero where the output does not depend on the value")
  func independent() throws {
    let recording = try Recording(inputs: [[2], [3]]) {
      [$0[0].relu(), $0[1].relu().named("side")]
    }
    let side = try #require(recording.value(named: "side"))
    let gradients = try recording.gradient(
      of: recording.outputs[0], cotangent: Tensor([2], repeating: 1), at: [side],
      given: [recording.inputs[0]: Tensor([2])])
    #expect(gradients[side] == Tensor([3]))
  }

  @Test("of a value by itself is the cotangent, also where something upstream is asked")
  func itself() throws {
    let recording = try Recording(input: [2]) { $0.sigmoid() }
    let (input, output) = (recording.inputs[0], recording.outputs[0])
    let cotangent = Tensor([2], [3, -4])
    let given = [input: Tensor([2])]
    let alone = try recording.gradient(
      of: output, cotangent: cotangent, at: [output], given: given)
    #expect(alone[output] == cotangent)
    let both = try recording.gradient(
      of: output, cotangent: cotangent, at: [input, output], given: given)
    #expect(both[output] == cotangent)
    #expect(both[input] == cotangent * 0.25)
  }

  @Test("from values given in the middle is the same, bit for bit")
  func fromTheMiddle() throws {
    let network = try SmallNetwork()
    let recording = network.recording
    let logits = try network.id("logits")
    let cotangent = Tensor([2, 3], [1, 0, 0, 0, 1, 0])
    for name in ["stem", "branch", "block", "joined"] {
      let target = try network.id(name)
      let whole = try recording.gradient(
        of: logits, cotangent: cotangent, at: [target], given: network.given)
      let boundary = recording.boundary(from: [target], to: logits)
      let known = try recording.evaluate(boundary, given: network.given)
      // No input is given: the boundary suffices.
      let part = try recording.gradient(
        of: logits, cotangent: cotangent, at: [target], given: known)
      #expect(part[target] == whole[target], "\(name)")
    }
  }

  @Test("the boundary is what bypasses the target as well")
  func boundary() throws {
    let network = try SmallNetwork()
    let recording = network.recording
    let logits = try network.id("logits")
    let (stem, branch, block) = try (network.id("stem"), network.id("branch"), network.id("block"))
    let pooled = try network.id("pooled")
    #expect(recording.boundary(from: [pooled], to: logits) == [pooled])
    #expect(recording.boundary(from: [block], to: logits) == [stem, block])
    #expect(recording.boundary(from: [branch], to: logits) == [stem, branch])
    #expect(recording.boundary(from: recording.inputs, to: logits) == recording.inputs)
    #expect(recording.boundary(from: [logits], to: logits) == [logits])
  }

  @Test("at a named value computes nothing that it does not need")
  func economy() throws {
    let log = CallLog()
    let recording = try Recording(inputs: [[2], [2]]) { v in
      func counted(_ value: Value, _ label: String) -> Value {
        value.applying(Counted(label: label, log: log))
      }
      let target = counted(counted(v[0], "before"), "target").named("target")
      let side = counted(v[1], "side")
      let after = counted(target, "after")
      let unused = counted(after, "unused")
      let output = counted(after * side, "output")
      return [output, unused]
    }
    let target = try #require(recording.value(named: "target"))
    let one = Tensor([2], repeating: 1)
    _ = try recording.gradient(
      of: recording.outputs[0], cotangent: one, at: [target],
      given: [recording.inputs[0]: one, recording.inputs[1]: one])
    #expect(log.forward == ["before", "target", "side", "after", "output"])
    #expect(log.backward == ["output", "after"])

    log.clear()
    _ = try recording.gradient(
      of: recording.outputs[0], cotangent: one, at: [target],
      given: [target: one, recording.inputs[1]: one])
    #expect(log.forward == ["side", "after", "output"])
    #expect(log.backward == ["output", "after"])
  }

  @Test("refuses a cotangent of another shape and a missing input")
  func errors() throws {
    let recording = try Recording(input: [2]) { $0.relu() }
    let output = recording.outputs[0]
    #expect(throws: EvaluationError.misshapen(output, expected: [2], given: [3])) {
      try recording.gradient(
        of: output, cotangent: Tensor([3]), at: recording.inputs,
        given: [recording.inputs[0]: Tensor([2])])
    }
    #expect(throws: EvaluationError.inputNotGiven(recording.inputs[0])) {
      try recording.gradient(
        of: output, cotangent: Tensor([2]), at: recording.inputs, given: [:])
    }
  }
}

/// What ``Counted`` primitives did, in order.
final class CallLog: Sendable {
  private let calls = Mutex<(forward: [String], backward: [String])>(([], []))

  var forward: [String] { calls.withLock { $0.forward } }
  var backward: [String] { calls.withLock { $0.backward } }

  func addForward(_ label: String) { calls.withLock { $0.forward.append(label) } }
  func addBackward(_ label: String) { calls.withLock { $0.backward.append(label) } }
  func clear() { calls.withLock { $0 = ([], []) } }
}

/// The identity, which writes down when it is computed.
struct Counted: Primitive {
  let label: String
  let log: CallLog

  var name: String { label }
  var nature: Nature { .linear }
  var reach: Reach { .pointwise }

  func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }
  func flops(_ inputs: [Shape], output: Shape) -> Int { 0 }

  func forward(_ inputs: [Tensor]) -> Tensor {
    log.addForward(label)
    return inputs[0]
  }

  func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    log.addBackward(label)
    return [cotangent]
  }
}
