internal import PrismAutodiff
internal import PrismKernels
public import PrismTensor

extension Plan {
  /// One step of a plan and how long it takes.
  public struct StepTime: Sendable {
    /// What the step does, with its sizes.
    public let description: String
    /// The least time of several runs, for one image.
    public let seconds: Double
    /// The floating-point operations by definition, whatever the algorithm needs.
    public let flops: Int
  }

  /// Measures every step by itself, for one image of the given numbers.
  ///
  /// - Parameters:
  ///   - image: `[1, H, W, C]`.
  ///   - repeats: How often the whole network is run.
  ///   - threads: Among how many threads a step is divided.
  /// - Returns: The steps in their order.
  public func profile(_ image: Tensor, repeats: Int, threads: Int = 1) -> [StepTime] {
    let mode = SubnormalNumbers.flush()
    defer { SubnormalNumbers.restore(mode) }
    let pool = WorkerPool(workerCount: threads)
    let workspace = Workspace(program, lanes: pool.workerCount, images: 1)
    var results = program.wanted.map { Tensor($0.shape) }
    var targets: [UnsafeMutablePointer<Float>] = []
    for i in results.indices { results[i].withUnsafeMutablePointer { targets.append($0) } }
    var steps: [Step] = []
    var isBatched: [Bool] = []
    for phase in program.phases {
      switch phase {
      case .image(let some), .group(let some):
        let form = threads > 1 ? some.divided : some.whole
        steps += form
        isBatched += form.map { _ in false }
      case .batch(let step):
        steps.append(step)
        isBatched.append(true)
      }
    }
    var best = [Double](repeating: .infinity, count: steps.count)
    let clock = ContinuousClock()
    for _ in 0..<repeats {
      for (i, step) in steps.enumerated() {
        let start = clock.now
        if isBatched[i] {
          program.executeBatched(
            step, workspace: workspace, images: 1, kernels: kernels, pool: pool)
        } else {
          divide(
            [step], 0, 0,
            { _, target in
              image.withUnsafePointer { target.update(from: $0, count: image.count) }
            }, targets, workspace, pool)
        }
        best[i] = min(best[i], (clock.now - start) / .seconds(1))
      }
    }
    return zip(steps, best).map { step, seconds in
      StepTime(description: step.label, seconds: seconds, flops: step.flops)
    }
  }
}

extension Step {
  /// The kind of work and the sizes.
  fileprivate var label: String {
    let sizes = "\(input.rows)×\(input.channels) → \(output.rows)×\(output.channels)"
    let kind: String
    switch work {
    case .load: kind = "load"
    case .store: kind = "store"
    case .pointwise: kind = "pointwise"
    case .direct(let shape): kind = "direct \(shape.kernelHeight)×\(shape.kernelWidth)"
    case .depthwise(let shape):
      kind = "depthwise \(shape.kernelHeight)×\(shape.kernelWidth)/\(shape.strideHeight)"
    case .winograd(_, let m): kind = "winograd F(\(m)×\(m))"
    case .chain(let chain):
      kind = [chain.before, chain.depthwise, chain.after].compactMap(\.?.label).joined(
        separator: ", ")
    case .pooled(let pooled): kind = "\(pooled.convolution.label), maximum pool"
    case .dense: kind = "dense"
    case .maximumPool: kind = "maximum pool"
    case .averagePool: kind = "average pool"
    case .globalAverage: kind = "global average"
    case .scaleShift: kind = "scale and shift"
    case .finish: kind = "element-wise"
    case .product: kind = "product"
    case .copy: kind = "copy"
    case .primitive(let primitive, _, _): kind = "plain \(primitive.name)"
    }
    switch work {
    case .chain, .pooled: return kind
    default: break
    }
    return "\(kind) \(sizes)"
  }

  fileprivate var flops: Int {
    switch work {
    case .pointwise, .dense: 2 * output.rows * input.channels * output.channels
    case .direct(let shape), .winograd(let shape, _):
      2 * output.rows * shape.inputChannels * shape.outputChannels * shape.kernelHeight
        * shape.kernelWidth
    case .depthwise(let shape):
      2 * output.rows * shape.outputChannels * shape.kernelHeight * shape.kernelWidth
    case .chain(let chain):
      [chain.before, chain.depthwise, chain.after].reduce(0) { $0 + ($1?.flops ?? 0) }
    case .pooled(let pooled): pooled.convolution.flops
    default: 0
    }
  }
}
