import PrismAutodiff
import PrismKernels
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismRuntime

@Suite("plans of training")
struct TrainingPlanTests {
  /// The names of all parameters but statistics.
  private func trained(_ recording: Recording) -> Set<String> {
    Set(
      recording.parameterNames.values.filter { name in
        !["running_mean", "running_var", "mean", "variance"].contains {
          name == $0 || name.hasSuffix(".\($0)")
        }
      })
  }

  /// Compares the sums of a plan with those that the recorded walk back computes from what the plan
  /// itself kept of the forward pass, so that both take the same side of every kink.
  private func check(_ recording: Recording, image: Tensor, set: InstructionSet) throws {
    let output = recording.outputs[0]
    let names = trained(recording)
    let parameters = recording.parameterNames.filter { names.contains($0.value) }.keys.sorted()
    guard !parameters.isEmpty else { return }
    let training = try #require(TrainingRecording(recording, of: output, by: parameters))
    let all = training.recording
    let kept = Set(
      all.ids[recording.values.count...].flatMap(all.operands).filter {
        $0.index < recording.values.count && recording.primitive(of: $0) != nil
      }
    ).sorted()
    let plan = try Plan(
      all, given: [recording.inputs[0], training.cotangent], wanted: kept, precision: .standard,
      weights: PackedWeights(), kernels: Kernels(set), summed: training.sums,
      meeting: training.cotangent)
    var random = SeededRandom(seed: 43)
    let cotangent = Tensor.uniform(recording[output].shape, in: -1..<1, using: &random)
    var known = [recording.inputs[0]: image, training.cotangent: cotangent]
    let sums = try withoutActuallyEscaping(
      { (stored: [UnsafeMutablePointer<Float>]) in
        for (id, source) in zip(kept, stored) {
          let shape = recording[id].shape
          known[id] = Tensor(uninitialized: shape) { $0.update(from: source, count: shape.count) }
        }
      }
    ) { keep in
      try plan.sums(
        count: 1, groupSize: 4, on: WorkerPool(workerCount: 1),
        giving: [
          { _, target, _ in
            image.withUnsafePointer { target.update(from: $0, count: image.count) }
          },
          { _, target, stored in
            // What is kept has been stored when all images have met.
            keep(stored)
            cotangent.withUnsafePointer { target.update(from: $0, count: cotangent.count) }
          },
        ])
    }
    let expected = try all.evaluate(training.sums, given: known)
    #expect(Set(sums.keys) == Set(training.sums))
    for id in training.sums {
      expectCloseThroughKinks(
        try #require(sums[id]), try #require(expected[id]), tolerance: PlanTests.tolerance,
        "value \(id.index), \(all.primitive(of: id)?.name ?? "")")
    }
  }

  @Test(
    "gradients by all parameters are those of the recording", arguments: NetworkCase.all,
    InstructionSet.available)
  func parity(_ network: NetworkCase, _ set: InstructionSet) throws {
    try check(try network.recording(), image: network.images(1), set: set)
  }

  @Test(
    "gradients by all parameters of pieces of graphs are those of the recording",
    arguments: GraphPiece.all, InstructionSet.available)
  func pieces(_ piece: GraphPiece, _ set: InstructionSet) throws {
    var random = SeededRandom(seed: 31)
    let recording = try Recording(input: piece.input) { piece.body($0, &random) }
    let image = Tensor.uniform(piece.input, in: -2..<2, using: &random)
    try check(recording, image: image, set: set)
  }

  /// A cotangent for each image that depends on all of them.
  private func cotangents(_ outputs: Tensor) -> Tensor {
    let mean = outputs.scalars.reduce(0, +) / Float(outputs.count)
    return outputs.map { $0 - mean }
  }

  @Test(
    "gradients of a batch are the sums of those of its images, with the same bits for any threads",
    arguments: NetworkCase.all)
  func batches(_ network: NetworkCase) throws {
    let recording = try network.recording()
    let plan = try #require(
      try TrainingPlan(recording, trained: trained(recording), groupSize: 2))
    let images = (0..<5).map { network.images(5).slice($0) }
    var given = Tensor([])
    let found = try plan(images, on: WorkerPool(workerCount: 1)) { outputs in
      given = cotangents(outputs)
      return given
    }
    for threads in 2...4 {
      #expect(
        try plan(images, on: WorkerPool(workerCount: threads), cotangents: cotangents) == found,
        "\(threads) threads")
    }
    var sums: [String: Tensor] = [:]
    for (index, image) in images.enumerated() {
      let share = given.slice(index)
      for (name, gradient) in try plan([image], cotangents: { _ in share }) {
        sums[name] = sums[name].map { $0 + gradient } ?? gradient
      }
    }
    #expect(sums.count == found.count)
    for (name, gradient) in found {
      // Sums of five tensors in another order.
      expectCloseThroughKinks(gradient, try #require(sums[name]), tolerance: 1e-5, "\(name)")
    }
  }

  @Test("what the caller throws ends the walk")
  func failure() throws {
    struct Failure: Error {}
    let network = NetworkCase.all[2]
    let recording = try network.recording()
    let plan = try #require(
      try TrainingPlan(recording, trained: trained(recording), groupSize: 2))
    #expect(throws: Failure.self) { try plan([network.images(1)]) { _ in throw Failure() } }
    #expect(throws: ShapeError.self) { try plan([network.images(1)]) { _ in Tensor(1) } }
  }

  @Test("there is no plan where nothing depends on what is trained")
  func independent() throws {
    let recording = try NetworkCase.all[2].recording()
    #expect(try TrainingPlan(recording, trained: ["nothing"], groupSize: 2) == nil)
  }

  @Test("the networks of the zoo have kernels for all gradients by parameters")
  func kernels() throws {
    for network in NetworkCase.all {
      let recording = try network.recording()
      let plan = try #require(
        try TrainingPlan(recording, trained: trained(recording), groupSize: 2))
      let plain = plan.labels.filter { $0.hasPrefix("plain") }
      // What is left is of the head, as small as a row of features or a layer's weights.
      #expect(
        plain.allSatisfy {
          $0.contains("→ 1×") || $0.contains("flatten") || $0.contains("globalMaxPool")
        }, "\(plain)")
      // Every layer but the first of each of the four blocks adds to what others give back, and the
      // three transitions do not.
      let chains = plan.labels.filter {
        $0.contains("pointwise") && $0.contains("normalisation gradient")
      }
      let isDense = network.architecture == .denseNet121
      #expect(chains.count == (isDense ? 58 + 3 : 0), "\(chains.count)")
    }
  }
}
