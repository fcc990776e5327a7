import PrismAutodiff
import PrismOperationCases
import PrismTensor
import PrismTestSupport
import Synchronization
import Testing

@Suite("recording")
struct RecordingTests {
  @Test("lists the names in the order of computation, with shapes and costs")
  func names() throws {
    let network = try SmallNetwork()
    let recording = network.recording
    #expect(
      recording.names.map(\.name) == [
        "stem.weight", "stem", "depthwise.weight", "scale", "offset", "mean", "variance", "branch",
        "squeeze", "excite", "gate", "block", "joined", "pooled", "head.weight", "head.bias",
        "logits",
      ])
    for name in recording.names { #expect(recording.value(named: name.name) == name.value) }
    #expect(recording.value(named: "nothing") == nil)
    #expect(try recording[network.id("joined")].shape == [2, 6, 5, 8])
    #expect(try recording.outputs == [network.id("logits")])
    let stem = 2 * (2 * 6 * 5 * 4) * (2 * 9)
    #expect(recording.flops > stem)
  }

  @Test("counts two operations a multiply-add")
  func flops() throws {
    let recording = try Recording(input: [1, 4, 4, 2]) { x in
      x.convolution(x.parameter(Tensor([3, 2, 3, 3]), named: "w"))
    }
    #expect(recording.flops == 2 * 2 * 3 * 2 * 9 * 2)
  }

  @Test("a value may have several names, a name only one value")
  func duplicateNames() throws {
    let recording = try Recording(input: [2]) { $0.relu().named("a").named("b") }
    #expect(recording.value(named: "a") == recording.value(named: "b"))
    #expect(throws: ShapeError("naming", [[2]], "two values are called a")) {
      try Recording(input: [2]) { $0.relu().named("a").relu().named("a") }
    }
  }

  @Test("a parameter used twice is one value, unless its shape changes")
  func sharedParameters() throws {
    let tensor = Tensor([2], [1, 2])
    let recording = try Recording(input: [2]) { x in
      x * x.parameter(tensor, named: "w") + x.parameter(tensor, named: "w")
    }
    #expect(recording.names.count == 1)
    #expect(try recording(Tensor([2], [10, 20]))[0] == Tensor([2], [11, 42]))
    #expect(throws: ShapeError("naming", [[3]], "two values are called w")) {
      try Recording(input: [2]) { x in
        x + x.parameter(Tensor([2]), named: "w") + x.parameter(Tensor([3]), named: "w")
      }
    }
  }

  @Test("reports the first shape error when the forward pass has ended")
  func lazyErrors() throws {
    var reached = false
    let error = #expect(throws: ShapeError.self) {
      try Recording(input: [1, 4, 4, 2]) { x in
        let wrong = x.dense(x.parameter(Tensor([3, 2]), named: "w")).named("first")
        // Whatever follows must not trap, and its own errors do not count.
        let after = wrong.convolution(x.parameter(Tensor([1, 1, 1, 1]), named: "v"))
          .depthwiseConvolution(x, stride: 0).maxPool(kernel: 2).averagePool(kernel: 0)
          .globalAveragePool().globalMaxPool().adaptiveAveragePool(height: 0, width: 1)
          .concatenated(with: [x], axis: 7).padded(top: -1).reshaped(to: [0])
          .flattenedChannelsFirst().sum(over: [9]).mean().dropout(rate: 2, seed: 0)
          .softmax().logSoftmax().relu().relu6().silu().sigmoid().tanh()
          .batchNormalized(scale: x, offset: x, mean: x, variance: x, epsilon: 0)
          .channelMean().channelVariance().crossEntropy(x).binaryCrossEntropy(x).named("first")
        reached = true
        return after + x - x * wrong
      }
    }
    #expect(reached)
    #expect(error?.operation == "dense")
    #expect(error?.inputs == [[1, 4, 4, 2], [3, 2]])
    #expect("\(try #require(error))" == "dense cannot take 1×4×4×2, 3×2: input 0 must have rank 2")
  }

  @Test("takes a model's own errors")
  func ownErrors() {
    let own = ShapeError("my layer", [[2]], "needs more")
    #expect(throws: own) { try Recording(input: [2]) { $0.failing(own).relu() } }
  }

  @Test("refuses inputs without elements and values of another recording")
  func foreign() throws {
    #expect(throws: ShapeError.self) { try Recording(input: [1, 0, 3]) { $0 } }
    #expect(throws: ShapeError.self) { try Recording(input: [.max, 3]) { $0 } }
    var smuggled: Value?
    _ = try Recording(input: [2]) { x in
      smuggled = x
      return x
    }
    let foreign = try #require(smuggled)
    #expect(throws: ShapeError.self) { try Recording(input: [2]) { $0 + foreign } }
    #expect(throws: ShapeError.self) { try Recording(input: [2]) { _ in foreign } }
  }

  @Test("evaluates to what the naive definitions give, at every named value")
  func evaluation() throws {
    let network = try SmallNetwork(isTraining: true)
    let recording = network.recording
    let exact = network.given.mapValues { Grid($0) }
    let wanted = recording.names.map(\.value)
    let values = try recording.evaluate(wanted, given: network.given)
    #expect(Set(values.keys) == Set(wanted))
    for id in wanted {
      expectClose(
        try #require(values[id]), recording.evaluateNaively(id, given: exact), tolerance: 1e-5)
    }
    #expect(try recording(network.input) == [#require(values[recording.outputs[0]])])
  }

  @Test("evaluates from the middle without its inputs")
  func fromTheMiddle() throws {
    let network = try SmallNetwork()
    let (joined, logits) = try (network.id("joined"), network.id("logits"))
    let whole = try network.recording.evaluate([joined, logits], given: network.given)
    let part = try network.recording.evaluate(
      [logits], given: [joined: #require(whole[joined])])
    #expect(part[logits] == whole[logits])
    #expect(part.count == 1)
  }

  @Test("a given value replaces a parameter")
  func givenParameter() throws {
    let recording = try Recording(input: [2]) { x in
      x * x.parameter(Tensor([2], [1, 2]), named: "w")
    }
    let w = try #require(recording.value(named: "w"))
    let values = try recording.evaluate(
      recording.outputs,
      given: [recording.inputs[0]: Tensor([2], [1, 1]), w: Tensor([2], [5, 6])])
    #expect(values[recording.outputs[0]] == Tensor([2], [5, 6]))
  }

  @Test("names what is wrong with the given values")
  func evaluationErrors() throws {
    let recording = try Recording(inputs: [[2], [2]]) { [$0[0] + $0[1]] }
    let (a, b) = (recording.inputs[0], recording.inputs[1])
    #expect(throws: EvaluationError.inputNotGiven(b)) {
      try recording.evaluate(recording.outputs, given: [a: Tensor([2])])
    }
    #expect(throws: EvaluationError.misshapen(b, expected: [2], given: [1])) {
      try recording.evaluate(recording.outputs, given: [a: Tensor([2]), b: Tensor([1])])
    }
    #expect(throws: EvaluationError.wrongNumberOfInputs(expected: 2, given: 1)) {
      try recording(Tensor([2]))
    }
    let constant = try Recording(inputs: []) { _ in [] }
    #expect(throws: EvaluationError.wrongNumberOfInputs(expected: 0, given: 1)) {
      try constant(Tensor([2]))
    }
  }

  @Test("frees a value after its last use")
  func freeing() throws {
    let log = LifetimeLog()
    let recording = try Recording(input: [2]) { x in
      // `a` is used by `b` and `c`; when `d` runs, only `c` may be left.
      let a = x.applying(Tracked(label: "a", log: log))
      let b = a.applying(Tracked(label: "b", log: log))
      let c = (a + b).applying(Tracked(label: "c", log: log))
      return c.applying(Tracked(label: "d", log: log))
    }
    _ = try recording(Tensor([2], [1, 2]))
    #expect(log.aliveBefore == ["a": [], "b": ["a"], "c": [], "d": ["c"]])
    #expect(log.alive.isEmpty)
  }

  @Test("leaves given values as they were")
  func noOverwriting() throws {
    let network = try SmallNetwork()
    let before = network.input.scalars
    _ = try network.recording(network.input)
    #expect(network.input.scalars == before)
  }
}

/// Which outputs of ``Tracked`` primitives are in memory.
final class LifetimeLog: Sendable {
  private let state = Mutex<(alive: Set<String>, before: [String: Set<String>])>(([], [:]))

  var alive: Set<String> { state.withLock { $0.alive } }
  var aliveBefore: [String: Set<String>] { state.withLock { $0.before } }

  func begin(_ label: String) { state.withLock { $0.before[label] = $0.alive } }
  func add(_ label: String) { state.withLock { _ = $0.alive.insert(label) } }
  func remove(_ label: String) { state.withLock { _ = $0.alive.remove(label) } }
}

/// The identity into memory of its own, which writes down when that memory is freed.
struct Tracked: Primitive {
  let label: String
  let log: LifetimeLog

  var name: String { label }
  var nature: Nature { .linear }
  var reach: Reach { .pointwise }

  func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }
  func flops(_ inputs: [Shape], output: Shape) -> Int { 0 }

  func forward(_ inputs: [Tensor]) -> Tensor {
    log.begin(label)
    let owner = Owner(inputs[0].scalars, label: label, log: log)
    return Tensor(borrowing: owner.pointer, shape: inputs[0].shape, owner: owner)
  }

  func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [cotangent]
  }

  // `@unchecked Sendable`: the memory is written once, before anybody else has the object.
  private final class Owner: @unchecked Sendable {
    let pointer: UnsafePointer<Float>
    private let memory: UnsafeMutableBufferPointer<Float>
    private let label: String
    private let log: LifetimeLog

    init(_ scalars: [Float], label: String, log: LifetimeLog) {
      memory = .allocate(capacity: scalars.count)
      _ = memory.initialize(from: scalars)
      pointer = UnsafePointer(memory.baseAddress ?? .allocate(capacity: 1))
      self.label = label
      self.log = log
      log.add(label)
    }

    deinit {
      memory.deallocate()
      log.remove(label)
    }
  }
}
