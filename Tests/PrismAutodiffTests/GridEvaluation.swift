import PrismAutodiff
import PrismOperationCases
import PrismTensor
import PrismTestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension Recording {
  /// The values of a recording in Double, by the naive definitions of its operations.
  func evaluateNaively(_ wanted: ValueID, given: [ValueID: Grid]) -> Grid {
    var known: [ValueID: Grid] = given
    for (id, entry) in zip(ids, values) where id <= wanted {
      if known[id] != nil { continue }
      switch entry.origin {
      case .input: continue
      case .parameter(let tensor): known[id] = Grid(tensor)
      case .computed(let primitive, let operands):
        let inputs = operands.compactMap { known[$0] }
        guard inputs.count == operands.count else { continue }
        known[id] = naive(primitive, inputs)
      }
    }
    return known[wanted] ?? Grid([])
  }

  /// The gradient of a value contracted with a cotangent, by central differences in Double.
  func differences(
    of output: ValueID, cotangent: Tensor, at target: ValueID, given: [ValueID: Tensor]
  ) -> Grid {
    var exact = given.mapValues { Grid($0) }
    let center = evaluateNaively(target, given: exact)
    var gradient = Grid(center.shape)
    let weights = Grid(cotangent).values
    let step = 1e-6
    func loss(_ moved: Grid) -> Double {
      exact[target] = moved
      return zip(weights, evaluateNaively(output, given: exact).values).reduce(0) {
        $0 + $1.0 * $1.1
      }
    }
    for i in gradient.values.indices {
      var (above, below) = (center, center)
      above.values[i] += step
      below.values[i] -= step
      gradient.values[i] = (loss(above) - loss(below)) / (2 * step)
    }
    return gradient
  }

  /// Expects the gradients at some values to agree with central differences in Double, for a random
  /// cotangent.
  func expectGradients(
    of output: ValueID, at targets: [ValueID], given: [ValueID: Tensor], tolerance: Double = 2e-5,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var random = SeededRandom(seed: 77)
    let cotangent = Tensor.uniform(self[output].shape, in: -1..<1, using: &random)
    let gradients = try gradient(of: output, cotangent: cotangent, at: targets, given: given)
    for target in targets {
      let expected = differences(of: output, cotangent: cotangent, at: target, given: given)
      let actual = try #require(gradients[target], sourceLocation: sourceLocation)
      expectClose(
        actual, expected, tolerance: tolerance, "gradient at value \(target.index)",
        sourceLocation: sourceLocation)
    }
  }

  private func naive(_ primitive: any Primitive, _ inputs: [Grid]) -> Grid {
    switch primitive {
    case let it as Convolution: naiveConvolution(it.window, groups: it.groups, inputs)
    case let it as DepthwiseConvolution:
      naiveConvolution(it.window, groups: inputs[0].shape[3], inputs)
    case let it as BatchNormalization: naiveNormalization(Double(it.epsilon), inputs)
    case is ChannelMean:
      Grid([inputs[0].shape[-1]], naiveChannels(inputs[0]).map(naiveMean))
    case is ChannelVariance:
      Grid(
        [inputs[0].shape[-1]],
        naiveChannels(inputs[0]).map { values in
          let center = naiveMean(values)
          return naiveMean(values.map { ($0 - center) * ($0 - center) })
        })
    case let it as MaxPool:
      naivePool(it.window, inputs[0]) { pixels, _ in pixels.reduce(-.infinity, max) }
    case is GlobalAveragePool: pooledWhole(inputs[0])
    case is FullyConnected: naiveDense(inputs)
    case is Add: naiveBroadcast(inputs[0], inputs[1], +)
    case is Subtract: naiveBroadcast(inputs[0], inputs[1], -)
    case is Multiply: naiveBroadcast(inputs[0], inputs[1], *)
    case is Sigmoid: inputs[0].map { 1 / (1 + exp(-$0)) }
    case is SiLU: inputs[0].map { $0 / (1 + exp(-$0)) }
    case is Tanh: inputs[0].map { tanh($0) }
    case is ReLU: inputs[0].map { max($0, 0) }
    case let it as Reshape: Grid(it.shape, inputs[0].values)
    case is CrossEntropy: naiveCrossEntropy(inputs)
    case let it as Concatenate where it.axis == -1: joined(inputs)
    default: preconditionFailure("no naive definition of \(primitive.name)")
    }
  }

  private func pooledWhole(_ x: Grid) -> Grid {
    let window = SlidingWindow(
      vertical: SlidingWindow.Axis(kernel: x.shape[1]),
      horizontal: SlidingWindow.Axis(kernel: x.shape[2]))
    let pooled = naivePool(window, x) { pixels, _ in naiveMean(pixels) }
    return Grid([x.shape[0], x.shape[3]], pooled.values)
  }

  private func joined(_ inputs: [Grid]) -> Grid {
    let total = inputs.reduce(0) { $0 + $1.shape[-1] }
    var values: [Double] = []
    for row in 0..<inputs[0].values.count / inputs[0].shape[-1] {
      for input in inputs {
        let width = input.shape[-1]
        values += input.values[row * width..<(row + 1) * width]
      }
    }
    return Grid(inputs[0].shape.replacing(axis: -1, with: total), values)
  }
}
