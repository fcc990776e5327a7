import Foundation
import PrismAutodiff
import PrismKernels
import PrismCard
import PrismLayers
import PrismModels
import PrismRuntime
import PrismTensor
import PrismTestSupport
import PrismTraining
import PrismWeights
import Testing

/// What torch makes of training; written by `Tools/fixtures/training.py`.
private struct TorchTraining: Decodable {
  struct Trajectory: Decodable {
    let name: String
    let weight, bias: [Float]
  }
  struct Normalization: Decodable {
    let name: String
    let shape: [Int]
    let output: [Float]
    let gradients: [[Float]]
    let mean, variance: [Float]
  }
  let trajectories: [Trajectory]
  let normalization: [Normalization]
  let losses: [Double]

  static func load() throws -> TorchTraining {
    let url = URL(filePath: Repository.fixtures + "training.json")
    return try JSONDecoder().decode(TorchTraining.self, from: Data(contentsOf: url))
  }
}

private func uniform(_ name: String, _ shape: Shape) -> Tensor {
  let random = CounterRandom(name: name)
  return Tensor(shape) { target in
    for i in target.indices { target[i] = Float(random.uniform(i) * 2 - 1) }
  }
}

@Suite("learner")
struct LearnerTests {
  @Test("optimisers go where torch's go")
  func trajectories() throws {
    let references = try TorchTraining.load().trajectories
    #expect(references.count == 4)
    for reference in references {
      var optimizer: Optimizer
      switch reference.name {
      case "adam": optimizer = Optimizer(.adam(), rate: 0.01)
      case "adamw": optimizer = Optimizer(.adam(), rate: 0.01, decay: 0.1)
      case "sgd": optimizer = Optimizer(.sgd(), rate: 0.1)
      default: optimizer = Optimizer(.sgd(), rate: 0.1, decay: 0.1)
      }
      let shapes: [String: Shape] = ["weight": [3, 2], "bias": [4]]
      var parameters = Dictionary(
        uniqueKeysWithValues: shapes.map { ($0, uniform("\(reference.name)/\($0)", $1)) })
      for step in 0..<5 {
        let gradients = Dictionary(
          uniqueKeysWithValues: shapes.map { name, shape in
            (name, uniform("\(reference.name)/\(step)/\(name)", shape).map { $0 * $0 * $0 })
          })
        optimizer.update(&parameters, gradients: gradients)
      }
      #expect(optimizer.steps == 5)
      for (name, expected) in [("weight", reference.weight), ("bias", reference.bias)] {
        // Five steps of a handful of roundings each.
        expectClose(
          try #require(parameters[name]), Tensor(shapes[name] ?? [], expected), tolerance: 1e-6,
          "\(reference.name), \(name)")
      }
    }
  }

  @Test("batch normalisation in training mode is torch's")
  func normalization() throws {
    let references = try TorchTraining.load().normalization
    #expect(references.count == 2)
    for reference in references {
      let shape = Shape(reference.shape)
      let channels = shape[-1]
      let tensors = [
        "weight": uniform("\(reference.name)/weight", [channels]),
        "bias": uniform("\(reference.name)/bias", [channels]),
        "running_mean": uniform("\(reference.name)/running_mean", [channels]),
        "running_var": uniform("\(reference.name)/running_var", [channels]).map { abs($0) + 0.5 },
      ]
      let layer = try WeightReader.bind(
        Dictionary(uniqueKeysWithValues: tensors.map { ("norm.\($0)", $1) })
      ) { reader in try BatchNorm(reader.scope("norm"), channels: channels, epsilon: 1e-3) }
      let recording = try Recording(input: shape) { layer.training($0) }
      let (input, output) = (recording.inputs[0], recording.outputs[0])
      let targets = [
        input, try #require(recording.value(named: "norm.weight")),
        try #require(recording.value(named: "norm.bias")),
      ]
      let trace = try recording.trace(
        of: output, at: targets, given: [input: uniform("\(reference.name)/x", shape)])
      expectClose(trace.output, Tensor(shape, reference.output), tolerance: 1e-6)
      let gradients = try trace.gradient(cotangent: uniform("\(reference.name)/cotangent", shape))
      for (target, expected) in zip(targets, reference.gradients) {
        let gradient = try #require(gradients[target])
        expectClose(gradient, Tensor(gradient.shape, expected), tolerance: 3e-6, "\(target)")
      }
    }
  }

  /// The head normalises, so that a step moves running statistics.
  @Test("running statistics of the head move as torch's do")
  func runningStatistics() throws {
    let card = SmallModel.card(head: [
      .globalAveragePool, .batchNorm(name: "classifier.0", epsilon: 1e-3),
      .dense(name: "classifier.1", units: 1, activation: .linear),
    ])
    let (network, tensors) = try SmallModel.network(card)
    let objective = Objective(.binary, labelCount: 2)
    var learner = try Learner(
      network, parameters: tensors, trained: ["classifier.1.weight"], objective: objective)
    // Six rows of 1280 numbers, of which the first three columns are those of the reference.
    let reference = try #require(TorchTraining.load().normalization.first)
    let rows = uniform("rows/x", [6, 3]).scalars
    let features = (0..<6).map { n in
      Tensor(learner.featureShape) { target in
        for i in target.indices { target[i] = i < 3 ? rows[3 * n + i] : 0 }
      }
    }
    let before = try #require(learner.parameters["classifier.0.running_mean"]).scalars
    let beforeVariance = try #require(learner.parameters["classifier.0.running_var"]).scalars
    _ = try learner.gradients(
      features: features, truths: (0..<6).map { .label($0 % 2) }, seed: 0)
    let mean = try #require(learner.parameters["classifier.0.running_mean"]).scalars
    let variance = try #require(learner.parameters["classifier.0.running_var"]).scalars
    let start = uniform("rows/running_mean", [3]).scalars
    let startVariance = uniform("rows/running_var", [3]).map { abs($0) + 0.5 }.scalars
    for i in 0..<3 {
      // Both move by a tenth of the way, from different beginnings.
      #expect(abs((mean[i] - 0.9 * before[i]) - (reference.mean[i] - 0.9 * start[i])) < 1e-6)
      #expect(
        abs(
          (variance[i] - 0.9 * beforeVariance[i])
            - (reference.variance[i] - 0.9 * startVariance[i])) < 1e-6)
    }
  }

  private static let images = uniform("fine-tuning/images", [6, 32, 32, 3])
  private static let truths = [0, 1, 1, 0, 1, 0].map(DataSet.Truth.label)

  private func learner(head: [ModelCard.HeadLayer]? = nil) throws -> Learner {
    let (network, tensors) = try SmallModel.network(SmallModel.card(head: head))
    let trained = tensors.keys.filter { name in
      ["features.17.", "features.18.", "classifier."].contains { name.hasPrefix($0) }
        && !name.contains("running")
    }
    return try Learner(
      network, parameters: tensors, trained: Set(trained),
      objective: Objective(.binary, labelCount: 2))
  }

  @Test("logits are those of the parameters that are given, also of a base that is not trained")
  func givenParameters() throws {
    let (network, tensors) = try SmallModel.network(SmallModel.card())
    let tuned = tensors.merging(
      tensors.filter { $0.key.contains("features.18.0.weight") }.mapValues { $0.map { 1.5 * $0 } }
    ) { $1 }
    let learner = try Learner(
      network, parameters: tuned, trained: Set(tensors.keys.filter { $0.hasPrefix("classifier.") }),
      objective: Objective(.binary, labelCount: 2))
    let features = try learner.features(Self.images)
    let logits = try learner.logits(count: 6) { Array(features[$0]) }
    func whole(_ tensors: [String: Tensor]) throws -> Tensor {
      let recording = try network.record(batch: 6).replacing(tensors)
      let output = recording.outputs[0]
      return try #require(
        recording.evaluate([output], given: [recording.inputs[0]: Self.images])[output])
    }
    // The second of both labels' logits is the one that is learnt.
    let expected = try (0..<6).map { try whole(tuned).scalars[2 * $0 + 1] }
    // What design and parity tests allow of a network's logits: through fifty layers the sums of BLAS
    // for one processor and those for another differ by 3e-5 from each other already.
    expectClose(Tensor([6, 1], logits.scalars), Tensor([6, 1], expected), tolerance: 1e-4)
    let others = try (0..<6).map { try whole(tensors).scalars[2 * $0 + 1] }
    #expect(zip(expected, others).contains { abs($0 - $1) > 1e-3 })
  }

  @Test("whichever request of memory a step is refused, nothing has changed, and the next is right")
  func refusedMemory() throws {
    // A step moves the statistics of the head, too.
    let head: [ModelCard.HeadLayer] = [
      .globalAveragePool, .batchNorm(name: "classifier.0", epsilon: 1e-3),
      .dense(name: "classifier.1", units: 1, activation: .linear),
    ]
    func learner() throws -> Learner { try self.learner(head: head) }
    let features = try learner().features(Self.images)
    func step(_ learner: inout Learner, _ optimizer: inout Optimizer) throws -> Double {
      try learner.step(features: features, truths: Self.truths, optimizer: &optimizer, seed: 0)
    }
    var whole = try learner()
    var optimizer = Optimizer(rate: 1e-3)
    let expected = try step(&whole, &optimizer)
    var refused = 0
    for request in 1... {
      var other = try learner()
      var moved = Optimizer(rate: 1e-3)
      let budget = MemoryBudget(refusing: request)
      let result = MemoryBudget.$current.withValue(budget) {
        Result { try step(&other, &moved) }
      }
      if budget.isWaiting {
        #expect(try result.get() == expected)
        #expect(budget.unexpected.isEmpty, "\(budget.unexpected.count) of \(request)")
        break
      }
      refused += 1
      #expect(throws: OutOfMemoryError.self, "request \(request)") { try result.get() }
      #expect(try step(&other, &moved) == expected, "after request \(request)")
      #expect(other.parameters == whole.parameters, "after request \(request)")
    }
    #expect(refused > 4)
  }

  @Test("three steps on the last layers of a MobileNetV2 are torch's")
  func fineTuning() throws {
    let file = try SafetensorsFile(contentsOf: Repository.fixtures + "training.safetensors")
    let losses = try TorchTraining.load().losses
    var learner = try learner()
    // What is trained begins with block 17: its input is block 16.
    #expect(learner.featureShape == [1, 1, 1, 16])
    let features = try learner.features(Self.images)
    let (_, gradients) = try learner.gradients(
      features: features, truths: Self.truths, seed: 0)
    var compared = 0
    for entry in file.entries where entry.name.hasPrefix("gradient/") {
      let name = String(entry.name.dropFirst("gradient/".count))
      var actual = try #require(gradients[name], "\(name)")
      if name == "features.18.0.weight" {
        actual = Tensor.stacking(stride(from: 0, to: 1280, by: 64).map(actual.slice))
      }
      // The gradients pass six layers of up to 1280 summands.
      expectClose(actual, try file.tensor(entry.name), tolerance: 3e-5, "\(name)")
      compared += 1
    }
    #expect(compared == 13)

    var optimizer = Optimizer(.adam(), rate: 1e-3, decay: 0.1)
    for expected in losses {
      let loss = try learner.step(
        features: features, truths: Self.truths, optimizer: &optimizer, seed: 0)
      #expect(abs(loss - expected) < 1e-5, "\(loss), expected \(expected)")
    }
    for entry in file.entries where entry.name.hasPrefix("trained/") {
      let name = String(entry.name.dropFirst("trained/".count))
      // Adam's first steps have the size of the rate whatever the gradient's size: where a gradient
      // is zero but for rounding, its sign decides.
      expectClose(
        try #require(learner.parameters[name]), try file.tensor(entry.name), tolerance: 1e-3,
        "\(name)")
    }
  }

  @Test("the bits of a step do not depend on the number of threads")
  func threads() throws {
    let before = Workers.count
    defer { Workers.count = before }
    var results: [[String: Tensor]] = []
    for count in [1, 2, 3] {
      Workers.count = count
      var learner = try learner()
      let features = try learner.features(Self.images)
      results.append(
        try learner.gradients(features: features, truths: Self.truths, seed: 0).gradients)
    }
    #expect(results[0].count == 14)
    #expect(results[0] == results[1] && results[0] == results[2])
  }

  @Test("logits in inference are those of the network with the trained parameters")
  func logits() throws {
    var learner = try learner()
    let features = try learner.features(Self.images)
    var optimizer = Optimizer(.sgd(), rate: 0.05)
    _ = try learner.step(
      features: features, truths: Self.truths, optimizer: &optimizer, seed: 0)
    let logits = try learner.logits(count: 6) { Array(features[$0]) }
    let network = try WeightReader.bind(learner.parameters) { reader in
      try Network(SmallModel.card(), reader)
    }
    let expected = try network.record(batch: 6)(Self.images)[0]
    // A binary network gives −z and z.
    let positive = Tensor([6, 1], (0..<6).map { expected[$0, 1] })
    expectClose(logits, positive, tolerance: 2e-5)
  }

  /// Concatenations, gates and squeezes: where a network may be cut, and what is fused, differs.
  @Test(
    "other networks are cut and differentiated as the whole recording is",
    arguments: [
      (ModelCard.Architecture.denseNet121, "features.denseblock4.denselayer16."),
      (.efficientNetV2B0, "features.6."),
    ])
  func otherNetworks(_ architecture: ModelCard.Architecture, _ prefix: String) throws {
    var card = SmallModel.card()
    card.architecture = architecture
    card.config = .init(epsilon: 1e-3, padding: .same)
    let (network, tensors) = try SmallModel.network(card)
    let trained = tensors.keys.filter {
      ($0.hasPrefix(prefix) || $0.hasPrefix("classifier.")) && !$0.contains("running")
    }
    #expect(trained.count > 4)
    let truths = Array(Self.truths.prefix(3))
    let images = Tensor.stacking((0..<3).map(Self.images.slice))
    let objective = Objective(.binary, labelCount: 2)
    var learner = try Learner(
      network, parameters: tensors, trained: Set(trained), objective: objective)
    #expect(learner.featureShape != network.inputShape)
    let features = try learner.features(images)
    let (loss, gradients) = try learner.gradients(features: features, truths: truths, seed: 0)

    let recording = try Recording(inputs: [images.shape, [3, 1]]) { inputs in
      let base = network.head(network.features(inputs[0]))
      return [base.binaryCrossEntropy(inputs[1])]
    }
    let given = [
      recording.inputs[0]: images, recording.inputs[1]: Tensor([3, 1], [0, 1, 1]),
    ]
    let output = recording.outputs[0]
    let expected = try recording.evaluate([output], given: given)[output]?.scalars[0]
    #expect(abs(Double(try #require(expected)) - loss) <= 1e-4 * abs(loss))
    let names = gradients.keys.sorted()
    let ids = try names.map { try #require(recording.value(named: $0)) }
    let whole = try recording.gradient(of: output, cotangent: Tensor(1), at: ids, given: given)
    for (name, id) in zip(names, ids) {
      expectClose(
        try #require(gradients[name]), try #require(whole[id]), tolerance: 1e-3, "\(name)")
    }
    let logits = try learner.logits(count: 3) { Array(features[$0]) }
    let direct = try network.record(batch: 3)(images)[0]
    expectClose(logits, Tensor([3, 1], (0..<3).map { direct[$0, 1] }), tolerance: 1e-4)
  }
}
