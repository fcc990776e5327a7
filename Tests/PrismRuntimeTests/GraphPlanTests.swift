import PrismAutodiff
import PrismKernels
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismRuntime

/// A piece of a network as graph cards have them.
struct GraphPiece: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let input: Shape
  /// Kinds of steps that the plan must have, so that the case tests what it is named after.
  var steps: [String] = []
  let body: @Sendable (Value, inout SeededRandom) -> Value

  static func tensor(_ x: Value, _ name: String, _ shape: Shape, _ random: inout SeededRandom)
    -> Value
  {
    let inputs = shape.rank > 1 ? shape.count / shape[0] : 4
    let bound = Float((6.0 / Double(inputs)).squareRoot())
    return x.parameter(.uniform(shape, in: -bound..<bound, using: &random), named: name)
  }

  static func moments(_ x: Value, _ random: inout SeededRandom, _ name: String) -> [Value] {
    let shape: Shape = [x.shape[-1]]
    return ["weight", "bias", "mean", "variance"].map { part in
      let range: Range<Float> = part == "variance" || part == "weight" ? 0.5..<1.5 : -0.5..<0.5
      return x.parameter(.uniform(shape, in: range, using: &random), named: "\(name).\(part)")
    }
  }

  private static func grouped(
    _ groups: Int, _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1,
    _ step: String = "groups"
  ) -> GraphPiece {
    GraphPiece(
      testDescription:
        "\(groups) groups of \(inputs / groups) to \(outputs / groups), \(kernel)/\(stride)",
      input: [1, 11, 9, inputs], steps: [step]
    ) { x, random in
      let weight = tensor(x, "w", [outputs, inputs / groups, kernel, kernel], &random)
      let bias = tensor(x, "b", [outputs], &random)
      let y = x.relu().convolution(
        weight, bias: bias, stride: stride, padding: .symmetric(kernel / 2), groups: groups)
      let m = moments(y, &random, "bn")
      let z = y.batchNormalized(
        scale: m[0], offset: m[1], mean: m[2], variance: m[3], epsilon: 1e-3)
      return inputs == outputs && stride == 1 ? (z + x).relu() : z.silu()
    }
  }

  private static func function(_ name: String, _ apply: @escaping @Sendable (Value) -> Value)
    -> GraphPiece
  {
    GraphPiece(testDescription: name, input: [1, 6, 7, 19]) { x, random in
      let weight = tensor(x, "w", [21, 19, 1, 1], &random)
      let wide = tensor(x, "v", [8, 21, 3, 3], &random)
      return apply(
        apply(x.convolution(weight)).convolution(wide, padding: .symmetric(1)) + 0.0.of(x))
    }
  }

  static let all: [GraphPiece] = [
    grouped(2, 32, 32, kernel: 3, "groups winograd"), grouped(8, 32, 32, kernel: 3, stride: 2),
    grouped(32, 128, 128, kernel: 3), grouped(3, 9, 6, kernel: 5),
    grouped(4, 96, 96, kernel: 3, "groups winograd"),
    grouped(9, 216, 216, kernel: 3, "groups winograd"),
    grouped(2, 80, 160, kernel: 3, "groups winograd"),
    grouped(4, 96, 96, kernel: 3, stride: 2), grouped(3, 30, 120, kernel: 3, "groups 3×3"),
    grouped(2, 6, 70, kernel: 1), grouped(5, 10, 20, kernel: 3),
    function("hard swish") { $0.hardSwish() }, function("hard sigmoid") { $0.hardSigmoid() },
    function("gelu") { $0.gelu() }, function("gelu by tanh") { $0.gelu(approximation: .tanh) },
    function("elu") { $0.elu() }, function("leaky relu") { $0.leakyReLU(slope: 0.2) },
    GraphPiece(
      testDescription: "convolutions with more weights than pixels", input: [1, 9, 7, 256],
      steps: ["direct 3×3", "direct 1×1"]
    ) { x, random in
      let y = x.convolution(
        tensor(x, "w", [288, 256, 3, 3], &random), stride: 2, padding: .symmetric(1)
      ).relu()
      return y.convolution(
        tensor(x, "v", [300, 288, 1, 1], &random), bias: tensor(x, "b", [300], &random), stride: 2
      ).silu()
    },
    GraphPiece(
      testDescription: "a ConvNeXt block", input: [1, 9, 8, 24], steps: ["layer normalisation"]
    ) { x, random in
      let depthwise = x.depthwiseConvolution(
        tensor(x, "dw", [24, 1, 7, 7], &random), bias: tensor(x, "db", [24], &random),
        padding: .symmetric(3))
      let normal = depthwise.layerNormalized(
        scale: tensor(x, "s", [24], &random), offset: tensor(x, "o", [24], &random), epsilon: 1e-6)
      let wide = normal.convolution(
        tensor(x, "w1", [96, 24, 1, 1], &random), bias: tensor(x, "b1", [96], &random)
      ).gelu()
      let narrow = wide.convolution(
        tensor(x, "w2", [24, 96, 1, 1], &random), bias: tensor(x, "b2", [24], &random))
      return narrow * tensor(x, "gamma", [24], &random) + x
    },
    GraphPiece(
      testDescription: "a ShuffleNetV2 unit", input: [1, 8, 6, 48], steps: ["shuffle"]
    ) { x, random in
      let (left, right) = (x.sliced(from: 0, to: 24), x.sliced(from: 24, to: 48))
      let a = right.convolution(tensor(x, "w1", [24, 24, 1, 1], &random)).relu()
      let b = a.depthwiseConvolution(
        tensor(x, "dw", [24, 1, 3, 3], &random), padding: .symmetric(1))
      let c = b.convolution(tensor(x, "w2", [24, 24, 1, 1], &random)).relu()
      return left.concatenated(with: [c]).shufflingChannels(groups: 2)
    },
    GraphPiece(testDescription: "a squeeze and excitation of MobileNetV3", input: [1, 7, 7, 16]) {
      x, random in
      let y = x.convolution(tensor(x, "w", [16, 16, 3, 3], &random), padding: .symmetric(1)).relu()
      let mean = y.adaptiveAveragePool(height: 1, width: 1)
      let inner = mean.convolution(tensor(x, "w1", [8, 16, 1, 1], &random)).relu()
      let gate = inner.convolution(tensor(x, "w2", [16, 8, 1, 1], &random)).hardSigmoid()
      return (y * gate).convolution(tensor(x, "w3", [24, 16, 1, 1], &random)).hardSwish()
    },
    GraphPiece(testDescription: "a gate made of a parameter", input: [1, 9, 8, 16]) { x, random in
      let y = x.convolution(tensor(x, "w", [16, 16, 3, 3], &random), padding: .symmetric(1))
      return (y * tensor(x, "g", [1, 1, 1, 16], &random).sigmoid()).relu()
    },
    GraphPiece(testDescription: "a mean over pixels that keeps its axes", input: [1, 5, 6, 12]) {
      x, random in
      x * x.mean(over: [1, 2], keepsDimensions: true)
        + x.mean(over: [-3, -2], keepsDimensions: true)
    },
    GraphPiece(testDescription: "maxout of halves", input: [1, 6, 5, 10]) { x, random in
      let y = x.convolution(tensor(x, "w", [16, 10, 3, 3], &random), padding: .symmetric(1))
      return y.sliced(from: 0, to: 8).maximum(y.sliced(from: 8, to: 16)).maxPool(kernel: 2)
    },
    GraphPiece(testDescription: "constants around convolutions", input: [1, 6, 5, 8]) {
      x, random in
      let shifted =
        (x - tensor(x, "mean", [8], &random)) / x.parameter(Tensor([1], [0.7]), named: "std")
      let y = shifted.convolution(tensor(x, "w", [12, 8, 3, 3], &random), padding: .symmetric(1))
      let z = y * tensor(x, "scale", [1, 1, 1, 12], &random) + tensor(x, "shift", [12], &random)
      return z.convolution(tensor(x, "v", [6, 12, 1, 1], &random))
        + tensor(x, "rows", [1, 6, 1, 1], &random)
    },
    GraphPiece(
      testDescription: "slices of a concatenation in a concatenation", input: [1, 4, 4, 8]
    ) {
      x, random in
      let a = x.convolution(tensor(x, "a", [6, 8, 1, 1], &random)).relu()
      let b = x.convolution(tensor(x, "b", [6, 8, 1, 1], &random)).relu()
      let both = a.concatenated(with: [b])
      let middle = both.sliced(from: 3, to: 9)
      return middle.concatenated(with: [
        both, middle.sliced(from: 1, to: 4), both.sliced(axis: 1, from: 0, to: 4),
      ])
    },
    GraphPiece(
      testDescription: "what looks at one pixel at a time", input: [1, 40, 30, 24],
      steps: ["plain maximum", "plain softmax", "plain prelu", "plain divide"]
    ) { x, random in
      let slope = x.parameter(.uniform([24], in: 0.1..<0.4, using: &random), named: "slope")
      let mean = x.mean(over: [1, 2], keepsDimensions: true)
      let y = x.maximum(mean).prelu(slope).softmax()
      return y * x / (x.absolute() + x.parameter(Tensor([1], [1]), named: "one"))
    },
    GraphPiece(
      testDescription: "maps at other sizes", input: [1, 9, 7, 20], steps: ["bilinear resize"]
    ) { x, random in
      let y = x.convolution(tensor(x, "w", [12, 20, 1, 1], &random)).relu()
      let z = y.resized(height: 33, width: 28, method: .bilinear)
      let nearest = y.resized(height: 33, width: 28, method: .nearest, coordinates: .asymmetric)
      return z.concatenated(with: [nearest]).relu()
    },
    GraphPiece(testDescription: "the rest, computed as recorded", input: [1, 6, 6, 8]) {
      x, random in
      let y = x.resized(height: 9, width: 5, method: .bilinear).transposed([0, 2, 1, 3])
      let z = y.reshaped(to: [0, 5, 9, 2, 4]).transposed([0, 1, 2, 4, 3]).softmax()
        .reshaped(to: [0, 5, 9, 8])
      return z.resized(height: 6, width: 6, method: .nearest) * x.absolute()
        + x.maximum(over: [1, 2], keepsDimensions: true)
    },
  ]
}

extension Double {
  /// Nothing that is added, so that a chain of operations ends in a sum.
  fileprivate func of(_ x: Value) -> Value {
    x.parameter(Tensor([1], [Float(self)]), named: "zero")
  }
}

@Suite("plans of graphs")
struct GraphPlanTests {
  @Test(
    "a plan computes what the recording computes, whatever is wanted besides",
    arguments: GraphPiece.all, InstructionSet.available)
  func parity(_ piece: GraphPiece, _ set: InstructionSet) throws {
    var random = SeededRandom(seed: 31)
    let recording = try Recording(input: piece.input) { piece.body($0, &random) }
    let images = Tensor.uniform(piece.input.replacing(axis: 0, with: 5), in: -2..<2, using: &random)
    let computed = recording.ids.filter {
      recording.primitive(of: $0) != nil && recording[$0].shape.rank == 4
    }
    for wanted in [recording.outputs] + computed.map({ [$0] + recording.outputs }) {
      let wanted = Array(Set(wanted)).sorted()
      let plan = try Plan(
        recording, wanted: wanted, precision: .standard, weights: PackedWeights(),
        kernels: Kernels(set))
      if wanted == recording.outputs {
        for name in piece.steps {
          #expect(steps(of: plan).contains { $0.kind.label(of: $0).contains(name) }, "\(name)")
        }
      }
      let results = try plan(images)
      for n in [0, 4] {
        let expected = try recording.evaluate(
          wanted, given: [recording.inputs[0]: images.slice(n)])
        for (id, result) in zip(wanted, results) {
          // A few sums of at most 1152 products.
          expectClose(
            result.slice(n), try #require(expected[id]), tolerance: 2e-5,
            "value \(id.index), image \(n)")
        }
      }
      #expect(try plan(images.slice(4))[0] == results[0].slice(4))
    }
  }

  @Test(
    "whichever request is refused, that call ends with an error, and nothing is taken unasked",
    arguments: GraphPiece.all)
  func memory(_ piece: GraphPiece) throws {
    var random = SeededRandom(seed: 31)
    let recording = try Recording(input: piece.input) { piece.body($0, &random) }
    let images = Tensor.uniform(piece.input.replacing(axis: 0, with: 4), in: -2..<2, using: &random)
    let expected = try Plan(recording)(images)
    for request in 1... {
      let budget = MemoryBudget(refusing: request)
      let result = MemoryBudget.$current.withValue(budget) {
        Result {
          let plan = try Plan(
            recording, wanted: recording.outputs, precision: .standard, weights: PackedWeights(),
            kernels: Kernels(InstructionSet.select().get()), memory: WorkspaceMemory(limit: 0))
          return try plan(images)
        }
      }
      if budget.isWaiting {
        #expect(try result.get() == expected)
        #expect(budget.unexpected.isEmpty, "\(budget.unexpected) bytes")
        #expect(request > 1)
        break
      }
      #expect(throws: OutOfMemoryError.self, "request \(request)") { try result.get() }
    }
  }

  private func steps(of plan: Plan) -> [Step] {
    plan.program.phases.flatMap { phase -> [Step] in
      switch phase {
      case .image(let steps), .group(let steps): steps.whole
      case .batch(let step, _): [step]
      }
    }
  }

  @Test("an image's bits do not depend on the threads", arguments: GraphPiece.all)
  func determinism(_ piece: GraphPiece) throws {
    var random = SeededRandom(seed: 31)
    let recording = try Recording(input: piece.input) { piece.body($0, &random) }
    let image = Tensor.uniform(piece.input, in: -2..<2, using: &random)
    let results = try [1, 2, 3].map { threads in
      try Plan(recording).run(count: 1, on: WorkerPool(workerCount: threads)) { _, target in
        image.withUnsafePointer { target.update(from: $0, count: image.count) }
      }[0]
    }
    #expect(results[1] == results[0] && results[2] == results[0])
  }
}
