import PrismAutodiff
import PrismKernels
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismRuntime

@Suite("plans of gradients")
struct GradientPlanTests {
  /// Compares the gradients of a plan with those that the recorded walk back computes from what the
  /// plan itself kept of the forward pass, so that both take the same side of every kink.
  ///
  /// The walk back is then linear, with as many layers as the forward pass, and rounds as that does.
  private func check(
    _ recording: Recording, at layer: ValueID, images: Tensor, set: InstructionSet,
    isGuided: Bool = false, steps: [String] = []
  ) throws {
    let output = recording.outputs[0]
    let reversed = try #require(
      ReversedRecording(recording, of: output, at: layer, count: 2, isGuided: isGuided))
    let all = reversed.recording
    let starts = recording.boundary(from: [layer], to: output)
    let given = starts + reversed.cotangents
    let kept = Set(
      all.ids[recording.values.count...].flatMap(all.operands).filter {
        $0.index < recording.values.count && recording.primitive(of: $0) != nil
      }
    ).subtracting(starts).sorted()
    var random = SeededRandom(seed: 41)
    let cotangents = (0..<2).map { _ in
      Tensor.uniform(recording[output].shape, in: -1..<1, using: &random)
    }
    let firsts = try recording.evaluate(
      starts, given: [recording.inputs[0]: images.slice(0)])
    let plan = try Plan(
      all, given: given, wanted: reversed.gradients + kept, precision: .standard,
      weights: PackedWeights(), kernels: Kernels(set))
    for name in steps {
      #expect(
        self.steps(of: plan).contains { $0.kind.label(of: $0).contains(name) }, "\(name)")
    }
    let values = starts.compactMap { firsts[$0] } + cotangents
    let results = try plan.run(
      count: 1, on: WorkerPool(workerCount: 1),
      giving: values.map { value in
        { _, target in
          value.withUnsafePointer { target.update(from: $0, count: value.count) }
        }
      })
    var known = Dictionary(uniqueKeysWithValues: zip(given, values))
    for (id, value) in zip(kept, results.dropFirst(2)) { known[id] = value }
    let expected = try all.evaluate(reversed.gradients, given: known)
    for (id, result) in zip(reversed.gradients, results) {
      expectCloseThroughKinks(
        result, try #require(expected[id]), tolerance: PlanTests.tolerance,
        "value \(layer.index)")
    }
  }

  private func steps(of plan: Plan) -> [Step] { plan.program.steps.flatMap { [$0] + $0.links } }

  /// The values with names that can be walked back to, about as many as asked.
  private func layers(_ recording: Recording, _ count: Int) -> [ValueID] {
    let named = recording.names.map(\.value).filter {
      recording.primitive(of: $0) != nil && recording[$0].shape.rank == 4
    }
    let some = stride(from: 0, to: named.count, by: max(1, named.count / count))
    return recording.inputs + some.map { named[$0] }
  }

  @Test(
    "a plan walks back as the recording does, to the image and to layers",
    arguments: NetworkCase.all, InstructionSet.available)
  func parity(_ network: NetworkCase, _ set: InstructionSet) throws {
    let recording = try network.recording()
    let isBest = set == InstructionSet.available.last
    for layer in isBest ? layers(recording, 4) : recording.inputs {
      try check(recording, at: layer, images: network.images(1), set: set)
    }
    guard isBest else { return }
    try check(
      recording, at: recording.inputs[0], images: network.images(1), set: set, isGuided: true)
  }

  @Test(
    "a plan walks back through pieces of graphs", arguments: GraphPiece.all,
    InstructionSet.available)
  func pieces(_ piece: GraphPiece, _ set: InstructionSet) throws {
    var random = SeededRandom(seed: 31)
    let recording = try Recording(input: piece.input) { piece.body($0, &random) }
    let images = Tensor.uniform(piece.input, in: -2..<2, using: &random)
    try check(recording, at: recording.inputs[0], images: images, set: set)
  }

  @Test(
    "gradients have the same bits for any batch and any number of threads",
    arguments: NetworkCase.all)
  func determinism(_ network: NetworkCase) throws {
    try expectSameBits(try network.recording(), network.images(5))
  }

  @Test("so they have behind dense layers that read their weights once for several images")
  func denseHead() throws {
    var random = SeededRandom(seed: 12)
    let recording = try Recording(input: [1, 1, 1, 16]) { x in
      func dense(_ x: Value, _ name: String, _ inputs: Int, _ outputs: Int) -> Value {
        x.dense(
          x.parameter(
            .uniform([outputs, inputs], in: -0.1..<0.1, using: &random), named: name))
      }
      let first = dense(x.globalAveragePool(), "a", 16, 1024).relu()
      return dense(dense(first, "b", 1024, 1024).relu6(), "c", 1024, 5)
    }
    try expectSameBits(recording, Tensor.uniform([5, 1, 1, 16], in: -1..<1, using: &random))
  }

  /// Compares gradients of images in batches with those of each alone.
  private func expectSameBits(_ recording: Recording, _ images: Tensor) throws {
    let walk = GradientPlan.Walk(layer: recording.inputs[0], count: 1, isGuided: false)
    let plan = try #require(
      try GradientPlan(walk, in: recording, precision: .standard, weights: PackedWeights()))
    let cotangent = Tensor(recording[recording.outputs[0]].shape, repeating: 1)
    func found(_ indices: [Int], threads: Int) throws -> [Tensor] {
      try plan(
        indices.map { [recording.inputs[0]: images.slice($0)] }, cotangents: [cotangent],
        on: WorkerPool(workerCount: threads)
      ).map { $0.cotangents[0] }
    }
    let expected = try (0..<5).map { try found([$0], threads: 1)[0] }
    #expect(expected.contains { $0.scalars.contains { $0 != 0 } })
    for threads in 1...5 {
      #expect(try found(Array(0..<5), threads: threads) == expected, "\(threads) threads")
      #expect(try found([3], threads: threads) == [expected[3]], "\(threads) threads")
    }
  }

  @Test("gradients of many logits are those of each by itself", arguments: [1, 4, 6])
  func targets(_ count: Int) throws {
    let network = NetworkCase.all[0]
    let recording = try network.recording()
    let classifier = PlannedClassifier(recording, defaultLayer: "features")
    let passes = (0..<3).map { ForwardPass(network.images(3).slice($0)) }
    let targets = (0..<count).map { LogitTarget([.init($0, weight: 1), .init(6, weight: -0.5)]) }
    for rule in [ExactRule(), GuidedRule()] as [any BackwardRule] {
      let found = try classifier.backward(from: targets, to: nil, passes: passes, rule: rule)
      #expect(found.map(\.logits) == (try passes.map { try classifier.logits($0.image) }))
      for (index, target) in targets.enumerated() {
        let alone = try classifier.backward(from: [target], to: nil, passes: passes, rule: rule)
        #expect(alone.map(\.cotangents[0]) == found.map(\.cotangents[index]))
      }
    }
  }

  @Test("the networks of the zoo have kernels for everything they walk back through")
  func kernels() throws {
    for network in NetworkCase.all {
      let walk = GradientPlan.Walk(
        layer: try network.recording().inputs[0], count: 1, isGuided: false)
      let plan = try #require(
        try GradientPlan(
          walk, in: try network.recording(), precision: .standard, weights: PackedWeights()))
      let plain = steps(of: plan.plan).map { $0.kind.label(of: $0) }.filter {
        $0.hasPrefix("plain")
      }
      // What is left is as small as a row of features.
      #expect(
        plain.allSatisfy {
          $0.contains("→ 1×") || $0.contains("flatten") || $0.contains("globalMaxPool")
        }, "\(plain)")
    }
  }
}
