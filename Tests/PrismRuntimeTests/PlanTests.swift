import PrismCard
import PrismAutodiff
import PrismKernels
import PrismModels
import PrismTensor
import PrismTestSupport
import PrismWeights
import Testing

@testable import PrismRuntime

/// A network of the zoo with lively random weights, at a small input size.
struct NetworkCase: Sendable, CustomTestStringConvertible {
  let architecture: ModelCard.Architecture
  let height: Int
  let width: Int
  var padding = ModelCard.PaddingConvention.symmetric
  var output = ModelCard.Output.softmax
  var head: [ModelCard.HeadLayer] = [
    .globalAveragePool, .dense(name: "classifier", units: 7, activation: .linear),
  ]

  var testDescription: String { "\(architecture.rawValue) \(height)×\(width) \(padding) \(output)" }

  static let all: [NetworkCase] = [
    NetworkCase(architecture: .mobileNetV2, height: 64, width: 64),
    NetworkCase(architecture: .mobileNetV2, height: 33, width: 70, padding: .same),
    NetworkCase(
      architecture: .mobileNetV2, height: 32, width: 32, output: .binary(threshold: 0.5),
      head: [.globalAveragePool, .dense(name: "classifier", units: 1, activation: .linear)]),
    NetworkCase(architecture: .denseNet121, height: 64, width: 96),
    NetworkCase(
      architecture: .vgg16, height: 64, width: 64,
      head: [
        .adaptiveAveragePool(height: 2, width: 2), .flatten,
        .dense(name: "classifier.0", units: 96, activation: .relu), .dropout(rate: 0.5),
        .dense(name: "classifier.3", units: 5, activation: .linear),
      ]),
    NetworkCase(
      architecture: .vgg16, height: 96, width: 64,
      head: [
        .globalMaxPool, .dense(name: "classifier.0", units: 33, activation: .silu),
        .batchNorm(name: "classifier.1", epsilon: 1e-3),
        .dense(name: "classifier.3", units: 5, activation: .linear),
      ]),
    NetworkCase(architecture: .efficientNetV2B0, height: 64, width: 64, padding: .same),
    NetworkCase(architecture: .efficientNetV2S, height: 48, width: 64),
  ]

  func recording() throws -> Recording {
    let units = head.reduce(0) { if case .dense(_, let units, _) = $1 { units } else { $0 } }
    var labels = (0..<units).map { "label \($0)" }
    if case .binary = output { labels = ["no", "yes"] }
    let card = ModelCard(
      name: "test", architecture: architecture,
      config: .init(epsilon: architecture == .vgg16 ? nil : 1e-3, padding: padding), head: head,
      output: output, labels: labels,
      input: .image(
        .init(
          height: height, width: width, resize: .bilinear, scale: 1, mean: [0, 0, 0],
          std: [1, 1, 1])), layers: .init(default: "features"))
    return try WeightReader.bind(making: Self.weight) { reader in
      try Network(card, reader).record()
    }
  }

  /// Weights that keep activations of every layer near one in size.
  static func weight(_ name: String, _ shape: Shape) -> Tensor {
    let random = CounterRandom(name: name)
    let inputs = shape.rank > 1 ? shape.count / shape[0] : 1
    return Tensor(
      shape,
      (0..<shape.count).map { i in
        let u = random.uniform(i)
        if shape.rank > 1 { return Float((2 * u - 1) * (4.0 / Double(inputs)).squareRoot()) }
        if name.hasSuffix("running_var") || name.hasSuffix("weight") { return Float(0.5 + u) }
        return Float((2 * u - 1) * 0.2)
      })
  }

  func images(_ count: Int) -> Tensor {
    var random = SeededRandom(seed: 11)
    return .uniform([count, height, width, 3], in: -1..<1, using: &random)
  }
}

@Suite("plans")
struct PlanTests {
  static let sets = InstructionSet.available

  // Winograd's F(4×4) errs by up to 5.5e-6 of the root mean square a layer; over the 16 layers of a
  // network that use it, errors add up like a random walk: 16^½ · 5.5e-6 ≈ 2.2e-5. Everything else
  // rounds less. The bound has a factor of five for layers that amplify.
  static let tolerance = 1e-4

  @Test("a plan computes what the recording computes", arguments: NetworkCase.all, sets)
  func parity(_ network: NetworkCase, _ set: InstructionSet) throws {
    let recording = try network.recording()
    // Values at several depths, so that the plan must end in the middle too.
    let maps = recording.names.filter { recording[$0.value].shape.rank == 4 }
    let depths = [
      maps[maps.count / 4], maps[maps.count / 2], maps[maps.count * 3 / 4], maps[maps.count - 1],
    ]
    .map(\.value).filter { !recording.isParameter($0) }
    let images = network.images(3)
    for wanted in [recording.outputs, Array(Set(depths + recording.outputs)).sorted()] {
      let plan = try Plan(
        recording, wanted: wanted, precision: .standard, weights: PackedWeights(),
        kernels: Kernels(set))
      let results = try plan(images)
      for n in 0..<3 {
        let expected = try recording.evaluate(
          wanted, given: [recording.inputs[0]: images.slice(n)])
        for (id, result) in zip(wanted, results) {
          expectClose(
            result.slice(n), try #require(expected[id]), tolerance: Self.tolerance,
            "value \(id.index), image \(n)")
        }
      }
    }
  }

  @Test(
    "strict plans round no more than direct sums",
    arguments: NetworkCase.all.filter { $0.architecture == .vgg16 })
  func strict(_ network: NetworkCase) throws {
    let recording = try network.recording()
    let images = network.images(1)
    let plan = try Plan(recording, precision: .strict)
    let expected = try recording(images)[0]
    expectClose(try plan(images)[0], expected, tolerance: 2e-5)
  }

  @Test(
    "careful plans round less than standard ones",
    arguments: NetworkCase.all.filter { $0.architecture == .vgg16 })
  func careful(_ network: NetworkCase) throws {
    let recording = try network.recording()
    let images = network.images(16)
    func plan(_ precision: Plan.Precision) throws -> Tensor {
      try Plan(recording, precision: precision)(images)[0]
    }
    let exact = try plan(.strict)
    func error(_ precision: Plan.Precision) throws -> Double {
      zip(try plan(precision).scalars, exact.scalars).reduce(0) {
        $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1)
      }.squareRoot()
    }
    #expect(try error(.careful) < 0.75 * error(.standard))
  }

  @Test(
    "an image's bits do not depend on the batch, the place in it or the threads",
    arguments: NetworkCase.all)
  func determinism(_ network: NetworkCase) throws {
    let recording = try network.recording()
    let images = network.images(19)
    var reference: [Tensor]?
    for threads in [1, 2, 3] {
      let pool = WorkerPool(workerCount: threads)
      let plan = try Plan(recording)
      let whole = try plan.run(count: 19, on: pool, composing: composer(images))[0]
      let rows = (0..<19).map { whole.slice($0) }
      if let reference { #expect(rows == reference) }
      reference = rows
      for place in [0, 7, 18] {
        let alone = try plan.run(count: 1, on: pool, composing: composer(images.slice(place)))[0]
        #expect(alone == rows[place], "image \(place), \(threads) threads")
      }
    }
  }

  @Test(
    "large convolutions share a batch's memory, and one may be added to its own input",
    arguments: sets)
  func batchedConvolutions(_ set: InstructionSet) throws {
    var random = SeededRandom(seed: 8)
    let recording = try Recording(input: [1, 18, 17, 256]) { image in
      func convolution(_ x: Value, _ name: String) -> Value {
        x.convolution(
          image.parameter(
            .uniform([256, 256, 3, 3], in: -0.03..<0.03, using: &random), named: name),
          padding: .symmetric(1))
      }
      let first = convolution(image, "first").relu()
      let second = convolution(first, "second").relu()
      return convolution(second + convolution(second, "third"), "fourth")
    }
    let plan = try Plan(
      recording, wanted: recording.outputs, precision: .standard, weights: PackedWeights(),
      kernels: Kernels(set))
    let batched = plan.program.phases.count { if case .batch = $0 { true } else { false } }
    #expect(batched == 4)
    // 25 tiles an image: eleven images are taken through a convolution in two shares.
    let images = Tensor.uniform([11, 18, 17, 256], in: -1..<1, using: &random)
    let result = try plan(images)[0]
    for n in [0, 6, 10] {
      let expected = try recording(images.slice(n))[0]
      // Four sums of 2304 products by F(4×4, 3×3), one after the other.
      expectClose(result.slice(n), expected, tolerance: 1e-4, "image \(n)")
      #expect(try plan(images.slice(n))[0] == result.slice(n), "image \(n) alone")
    }
  }

  @Test(
    "a large dense layer of a batch adds to every image what is the image's own", arguments: sets)
  func batchedResiduals(_ set: InstructionSet) throws {
    var random = SeededRandom(seed: 10)
    let recording = try Recording(input: [1, 300]) { image in
      let other = image.relu()
      let weight = Tensor.uniform([300, 300], in: -0.1..<0.1, using: &random)
      return image.dense(image.parameter(weight, named: "weight")) + other
    }
    let plan = try Plan(
      recording, wanted: recording.outputs, precision: .standard, weights: PackedWeights(),
      kernels: Kernels(set))
    let batched = plan.program.phases.contains { if case .batch = $0 { true } else { false } }
    #expect(batched && plan.program.steps.contains { $0.tail.residual != nil })
    let images = Tensor.uniform([5, 300], in: -1..<1, using: &random)
    let result = try plan(images)[0]
    for n in 0..<5 {
      expectClose(result.slice(n), try recording(images.slice(n))[0], tolerance: 1e-5, "image \(n)")
    }
  }

  @Test("a plan can be used from several threads at once")
  func concurrency() async throws {
    let network = NetworkCase.all[0]
    let recording = try network.recording()
    let images = network.images(5)
    let plan = try Plan(recording)
    let expected = try plan(images)[0]
    try await withThrowingTaskGroup(of: Tensor.self) { group in
      for _ in 0..<8 { group.addTask { try plan(images)[0] } }
      for try await result in group { #expect(result == expected) }
    }
  }

  @Test("images of another size are an error")
  func shape() throws {
    let plan = try Plan(try NetworkCase.all[0].recording())
    #expect(throws: EvaluationError.self) { try plan(Tensor([1, 32, 64, 3])) }
    #expect(throws: EvaluationError.self) { try plan(Tensor([64, 64, 3])) }
  }

  @Test("tensors of the model can be wanted, and operands of anything that is computed")
  func constants() throws {
    var random = SeededRandom(seed: 9)
    let recording = try Recording(input: [1, 4, 4, 8]) { image in
      let scale = image.parameter(
        .uniform([1, 4, 4, 8], in: -1..<1, using: &random), named: "scale")
      let map = image.parameter(.uniform([1, 4, 4, 8], in: -1..<1, using: &random), named: "map")
      return map.relu() * scale + image
    }
    let image = Tensor.uniform([1, 4, 4, 8], in: -1..<1, using: &random)
    let wanted = recording.outputs + [try #require(recording.value(named: "scale"))]
    let plan = try Plan(recording, wanted: wanted)
    let expected = try recording.evaluate(wanted, given: [recording.inputs[0]: image])
    for (id, result) in zip(wanted, try plan(image)) { #expect(result == expected[id]) }
  }

  @Test("no images give no rows")
  func empty() throws {
    let plan = try Plan(try NetworkCase.all[0].recording())
    #expect(try plan.run(count: 0) { _, _ in }[0].shape == [0, 7])
  }

  private func composer(_ images: Tensor) -> (Int, UnsafeMutablePointer<Float>) -> Void {
    { index, target in
      images.slice(index).withUnsafePointer {
        target.update(from: $0, count: images.count / images.shape[0])
      }
    }
  }
}
