import PrismAutodiff
import PrismKernels
import PrismTensor
import PrismTestSupport
import Synchronization
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
    let starts = recording.boundary(from: [layer], to: output)
    let firsts = try recording.evaluate(
      starts, given: [recording.inputs[0]: images.slice(0)])
    try check(
      reversed, from: starts, values: starts.compactMap { firsts[$0] }, set: set, steps: steps,
      "value \(layer.index)")
  }

  /// The same for any walks back, from what is given of the forward pass.
  private func check(
    _ reversed: ReversedRecording, from starts: [ValueID], values: [Tensor], set: InstructionSet,
    steps: [String] = [], tolerance: Double = PlanTests.tolerance, _ comment: Comment
  ) throws {
    let all = reversed.recording
    let given = starts + reversed.references + reversed.cotangents
    // Walks begin with a cotangent.
    let end = reversed.cotangents[0].index
    let kept = Set(
      all.ids[end...].flatMap(all.operands).filter {
        $0.index < end && all.primitive(of: $0) != nil
      }
    ).subtracting(starts).sorted()
    var random = SeededRandom(seed: 41)
    let cotangents = reversed.cotangents.map {
      Tensor.uniform(all[$0].shape, in: -1..<1, using: &random)
    }
    let wanted = reversed.gradients + reversed.watched
    let plan = try Plan(
      all, given: given, wanted: wanted + kept, precision: .standard, weights: PackedWeights(),
      kernels: Kernels(set))
    for name in steps {
      #expect(
        self.steps(of: plan).contains { $0.kind.label(of: $0).contains(name) }, "\(name)")
    }
    let values = values + cotangents
    let results = try plan.run(
      count: 1, on: WorkerPool(workerCount: 1),
      giving: values.map { value in
        { _, target in
          value.withUnsafePointer { target.update(from: $0, count: value.count) }
        }
      })
    var known = Dictionary(uniqueKeysWithValues: zip(given, values))
    for (id, value) in zip(kept, results.dropFirst(wanted.count)) { known[id] = value }
    let expected = try all.evaluate(wanted, given: known)
    for (id, result) in zip(wanted, results) {
      expectCloseThroughKinks(
        result, try #require(expected[id]), tolerance: tolerance, comment)
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

  /// Composites whose rules never divide by a number that is small beside what it is a sum of.
  private static let composites = [
    RelevanceComposite(.epsilonPlusFlat, epsilon: 0.25),
    RelevanceComposite(
      .epsilonGammaBox(low: [-1, -1.5, -2], high: [1, 0.5, 2]), epsilon: 0.25, gamma: 2),
  ]

  /// Walks back that divide relevance, for a network or a piece of one.
  private func checkRelevance(
    _ recording: Recording, _ image: Tensor, _ composite: RelevanceComposite, set: InstructionSet
  ) throws {
    guard
      let reversed = try ReversedRecording(
        recording, dividing: composite, count: 2, mostFloats: .max)
    else { return }
    try check(
      reversed, from: reversed.recording.inputs, values: [image], set: set, "\(composite.kind)")
  }

  @Test("a plan divides relevance as the recording does", arguments: NetworkCase.all, composites)
  func relevance(_ network: NetworkCase, _ composite: RelevanceComposite) throws {
    for set in InstructionSet.available {
      try checkRelevance(
        try network.recording(), network.images(1).slice(0), composite, set: set)
    }
  }

  @Test("a plan divides relevance in pieces of graphs", arguments: GraphPiece.all)
  func relevance(_ piece: GraphPiece) throws {
    var random = SeededRandom(seed: 31)
    let recording = try Recording(input: piece.input) { piece.body($0, &random) }
    let image = Tensor.uniform(piece.input, in: -2..<2, using: &random)
    for composite in Self.composites where piece.input[-1] == 3 || composite == Self.composites[0] {
      try checkRelevance(
        recording, image, composite, set: InstructionSet.available.last ?? .baseline)
    }
  }

  /// Walks back that find DeepLIFT's multipliers.
  private func checkMultipliers(
    _ recording: Recording, _ image: Tensor, _ reference: Tensor, set: InstructionSet
  ) throws {
    let reversed = try #require(ReversedRecording(comparing: recording, count: 2))
    try check(
      reversed, from: recording.inputs, values: [image, reference], set: set, "multipliers")
  }

  @Test("a plan finds multipliers as the recording does", arguments: NetworkCase.all)
  func multipliers(_ network: NetworkCase) throws {
    let images = network.images(2)
    for set in InstructionSet.available {
      try checkMultipliers(
        try network.recording(), images.slice(0), images.slice(1), set: set)
    }
  }

  @Test("a plan finds multipliers in pieces of graphs", arguments: GraphPiece.all)
  func multipliers(_ piece: GraphPiece) throws {
    var random = SeededRandom(seed: 31)
    let recording = try Recording(input: piece.input) { piece.body($0, &random) }
    let images = (0..<2).map { _ in Tensor.uniform(piece.input, in: -2..<2, using: &random) }
    try checkMultipliers(
      recording, images[0], images[1], set: InstructionSet.available.last ?? .baseline)
  }

  /// A rule that keeps what it is told of convolutions and normalisations.
  private final class Watch: WatchingRule {
    let told = Mutex<[Tensor]>([])

    func watches(_ primitive: any Primitive, constants: [Tensor?]) -> Bool {
      primitive is any ConvolutionPrimitive || primitive is BatchNormalization
    }

    func watch(_ cotangent: Tensor, of primitive: any Primitive, constants: [Tensor?]) {
      told.withLock { $0.append(cotangent) }
    }
  }

  @Test("a plan has the cotangents at what is watched", arguments: NetworkCase.all)
  func watched(_ network: NetworkCase) throws {
    let recording = try network.recording()
    let (input, output) = (recording.inputs[0], recording.outputs[0])
    let values = try #require(recording.watched(by: Watch(), from: input, to: output))
    let reversed = try #require(
      ReversedRecording(
        recording, of: output, at: input, count: 1, watching: values.map(\.value)))
    #expect(reversed.watched.count == values.count && !values.isEmpty)
    try check(
      reversed, from: [input], values: [network.images(1).slice(0)],
      set: InstructionSet.available.last ?? .baseline, "watched")
  }

  @Test("a rule is told the same by a plan as on the walk through a recording")
  func telling() throws {
    var random = SeededRandom(seed: 14)
    let weights = [[4, 2, 3, 3], [4, 4, 1, 1], [3, 4]].map {
      Tensor.uniform(Shape($0), in: -1..<1, using: &random)
    }
    let recording = try Recording(input: [1, 6, 5, 2]) { x in
      let y = x.convolution(x.parameter(weights[0], named: "a"), padding: .same).silu()
      return (y + y.convolution(x.parameter(weights[1], named: "b"))).globalAveragePool()
        .dense(x.parameter(weights[2], named: "c")).named("logits")
    }
    let image = Tensor.uniform([1, 6, 5, 2], in: -1..<1, using: &random)
    let (planned, walked) = (Watch(), Watch())
    let found = try PlannedClassifier(recording, defaultLayer: "logits").backward(
      from: [1], to: nil, passes: [ForwardPass(image)], rule: planned)
    let expected = try recording.gradient(
      of: recording.outputs[0], cotangent: Tensor([1, 3], [0, 1, 0]), at: recording.inputs,
      given: [recording.inputs[0]: image], rule: walked)
    expectClose(
      found[0].cotangents[0], try #require(expected[recording.inputs[0]]), tolerance: 1e-5)
    let told = [planned, walked].map { $0.told.withLock { $0 } }
    #expect(told[0].count == 2 && told[1].count == 2)
    for (a, b) in zip(told[0], told[1]) { expectClose(a, b, tolerance: 1e-5) }
  }

  @Test(
    "gradients have the same bits for any batch and any number of threads",
    arguments: NetworkCase.all)
  func determinism(_ network: NetworkCase) throws {
    try checkBits(
      of: .gradient(isGuided: false), network.images(6), try network.recording(), threads: 1...5)
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
    let images = Tensor.uniform([6, 1, 1, 16], in: -1..<1, using: &random)
    for rule in [
      .gradient(isGuided: false), .gradient(isGuided: true), .multipliers,
      .relevance(Self.composites[1]),
    ] as [GradientPlan.Rule] {
      try checkBits(of: rule, images, recording, threads: 1...5)
    }
  }

  @Test(
    "other rules find the same bits for any batch and any number of threads",
    arguments: [NetworkCase.all[2], NetworkCase.all[6]])
  func determinismOfRules(_ network: NetworkCase) throws {
    for rule in [.multipliers, .relevance(Self.composites[1])] as [GradientPlan.Rule] {
      try checkBits(of: rule, network.images(6), try network.recording(), threads: 2...3)
    }
  }

  /// Compares what is found of images in batches with what is found of each alone.
  private func checkBits(
    of rule: GradientPlan.Rule, _ images: Tensor, _ recording: Recording,
    threads: ClosedRange<Int>
  ) throws {
    let walk = GradientPlan.Walk(layer: recording.inputs[0], count: 1, rule: rule)
    let plan = try #require(
      try GradientPlan(walk, in: recording, precision: .standard, weights: PackedWeights()))
    let cotangent = Tensor(recording[recording.outputs[0]].shape, repeating: 1)
    let reference = rule == .multipliers ? images.slice(5) : nil
    func found(_ indices: [Int], threads: Int) throws -> [Tensor] {
      try plan(
        indices.map { [recording.inputs[0]: images.slice($0)] }, reference: reference,
        cotangents: [cotangent], on: WorkerPool(workerCount: threads)
      ).map { $0.pass.cotangents[0] }
    }
    let expected = try (0..<5).map { try found([$0], threads: 1)[0] }
    #expect(expected.contains { $0.scalars.contains { $0 != 0 } })
    for threads in threads {
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
    let rules: [any BackwardRule] = [
      ExactRule(), GuidedRule(), RelevanceRule(Self.composites[0]),
      DeepLIFTRule(reference: [network.images(1).slice(0)]),
    ]
    for rule in rules {
      let found = try classifier.backward(from: targets, to: nil, passes: passes, rule: rule)
      // Relevance is divided with less rounding.
      if !(rule is RelevanceRule) {
        #expect(found.map(\.logits) == (try passes.map { try classifier.logits($0.image) }))
      }
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
        layer: try network.recording().inputs[0], count: 1)
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
