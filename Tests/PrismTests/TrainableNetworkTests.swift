import Prism
import PrismTestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("networks of one's own")
struct TrainableNetworkTests {
  private static let inputs = (0..<6).map { i -> Tensor in
    var random = SeededRandom(seed: UInt64(i))
    return .uniform([1, 4, 4, 2], in: -1..<1, using: &random)
  }
  private static let truths = (0..<6).map { DataSet.Truth.label($0 % 2) }
  private static let objective = Objective(.multiclass, labelCount: 2)

  /// Two layers with a normalisation by the moments of the batch, and a dropout.
  private func network() throws -> TrainableNetwork {
    let convolution = try Conv2D("convolution", inputs: 2, outputs: 3, kernel: 3, padding: .same)
    let normalization = try BatchNorm("normalization", channels: 3)
    let dense = try Dense("dense", inputs: 3, outputs: 2)
    return try TrainableNetwork(input: [1, 4, 4, 2]) { x, seed in
      let y = convolution(x)
      let normal = seed == nil ? normalization(y) : normalization.training(y)
      let pooled = normal.relu().globalAveragePool()
      return dense(seed.map { pooled.dropout(rate: 0.25, seed: $0) } ?? pooled)
    }
  }

  @Test("a step of gradient descent goes against the gradient by the rate")
  func step() throws {
    let dense = try Dense("dense", inputs: 2, outputs: 2, seed: 5)
    var network = try TrainableNetwork(input: [1, 4, 4, 2]) { dense($0.globalAveragePool()) }
    var optimizer = Optimizer(.sgd(momentum: 0), rate: 0.5)
    let input = Self.inputs[0]
    let loss = try network.step(
      input, truths: [.label(1)], objective: Self.objective, optimizer: &optimizer)
    // By hand: the logits' gradient is the softmax less the truth.
    let means = (0..<2).map { c in
      (0..<16).reduce(0.0) { $0 + Double(input.scalars[$1 * 2 + c]) } / 16
    }
    let logits = (0..<2).map { k in
      Double(dense.weight[k, 0]) * means[0] + Double(dense.weight[k, 1]) * means[1]
    }
    let share = 1 / (1 + pow(2.718281828459045, logits[0] - logits[1]))
    #expect(abs(loss + log(share)) < 1e-6)
    for k in 0..<2 {
      let slope = (k == 1 ? share : 1 - share) - (k == 1 ? 1 : 0)
      for c in 0..<2 {
        let expected = Double(dense.weight[k, c]) - 0.5 * slope * means[c]
        let found = try #require(network.parameters["dense.weight"])[k, c]
        #expect(abs(Double(found) - expected) < 1e-6)
      }
    }
  }

  @Test("training lowers the loss, moves running statistics, and gives the same bits again")
  func training() throws {
    func run() throws -> (TrainableNetwork, [Double]) {
      var network = try network()
      let losses = try network.train(
        Self.inputs, truths: Self.truths, objective: Self.objective,
        optimizer: Optimizer(rate: 0.05), epochs: 30, batch: 3, seed: 9)
      return (network, losses)
    }
    let (first, losses) = try run()
    #expect(losses.count == 30)
    #expect(losses[29] < 0.7 * losses[0])
    let mean = try #require(first.parameters["normalization.running_mean"])
    #expect(mean != Tensor([3]))
    let variance = try #require(first.parameters["normalization.running_var"])
    #expect(variance != Tensor([3], repeating: 1) && variance.minimum > 0)
    let (second, again) = try run()
    #expect(second.parameters == first.parameters && again == losses)
  }

  @Test(
    "the running mean moves a tenth of the way to the batch's, the variance to the unbiased one")
  func statistics() throws {
    let normalization = try BatchNorm("n", channels: 2)
    var network = try TrainableNetwork(input: [1, 4, 4, 2]) { x, seed in
      (seed == nil ? normalization(x) : normalization.training(x)).globalAveragePool()
    }
    var optimizer = Optimizer(rate: 0)
    let batch = Tensor.stacking(Self.inputs)
    _ = try network.step(
      batch, truths: Self.truths, objective: Self.objective, optimizer: &optimizer)
    let values = batch.scalars
    for c in 0..<2 {
      let column = stride(from: c, to: values.count, by: 2).map { Double(values[$0]) }
      let mean = column.reduce(0, +) / Double(column.count)
      let unbiased =
        column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(column.count - 1)
      let moved = try #require(network.parameters["n.running_mean"])
      #expect(abs(Double(moved[c]) - 0.1 * mean) < 1e-6)
      let spread = try #require(network.parameters["n.running_var"])
      #expect(abs(Double(spread[c]) - (0.9 + 0.1 * unbiased)) < 1e-6)
    }
  }

  @Test("data that do not fit are errors")
  func badData() throws {
    var network = try network()
    var optimizer = Optimizer(rate: 0.1)
    func fails(_ body: () throws -> Void) {
      #expect { try body() } throws: { error in
        if case TrainingError.unfitData = error { true } else { false }
      }
    }
    fails {
      _ = try network.step(
        Self.inputs[0], truths: [.label(2)], objective: Self.objective, optimizer: &optimizer)
    }
    fails {
      _ = try network.step(
        Self.inputs[0], truths: [.labels([1, 0])], objective: Self.objective,
        optimizer: &optimizer)
    }
    fails {
      _ = try network.step(
        Self.inputs[0], truths: Self.truths, objective: Self.objective, optimizer: &optimizer)
    }
    fails {
      _ = try network.train(
        Self.inputs, truths: [], objective: Self.objective, optimizer: optimizer, epochs: 1)
    }
    fails {
      _ = try network.train(
        [], truths: [], objective: Self.objective, optimizer: optimizer, epochs: 1)
    }
    #expect(throws: ShapeError.self) {
      try TrainableNetwork(input: [1, 4, 4, 2]) { $0.globalAveragePool().maxPool(kernel: 2) }
    }
  }
}
