internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor

/// A kind of step that adds what it computes to sums over a group of images, instead of storing it.
protocol SummingStepKind: StepKind {
  /// How the sums are laid out.
  var layout: SumLayout { get }
}

extension SummingStepKind {
  func divisions(of step: Step) -> Int { 1 }
}

/// How sums over images are laid out.
enum SumLayout: Sendable {
  /// One after the other, in the shape of the value.
  case plain(Shape)
  /// The gradient by the weights of a convolution without groups.
  case convolution(ConvolutionShape)
  /// That of a depthwise convolution.
  case depthwise(ConvolutionShape)

  /// The floats.
  var size: Int {
    switch self {
    case .plain(let shape): shape.count
    case .convolution(let shape): WeightGradientLayout(shape).size
    case .depthwise(let shape): WeightGradientLayout(depthwise: shape).size
    }
  }

  /// The sums of all groups, added in their order, as a tensor in the canonical order of the
  /// weights.
  func tensor(_ groups: [UnsafePointer<Float>]) -> Tensor {
    switch self {
    case .plain(let shape):
      return Tensor(uninitialized: shape) { Self.add(groups, at: 0, count: shape.count, into: $0) }
    case .convolution(let shape):
      let layout = WeightGradientLayout(shape)
      let matrix = (layout.joinsTaps ? shape.inputChannels : layout.rows) * layout.stride
      return Self.weights(
        [shape.outputChannels, shape.inputChannels, shape.kernelHeight, shape.kernelWidth], groups,
        matrix: matrix, row: layout.stride, isByOutputs: layout.isByOutputs)
    case .depthwise(let shape):
      let layout = WeightGradientLayout(depthwise: shape)
      return Self.weights(
        [layout.columns, 1, shape.kernelHeight, shape.kernelWidth], groups, matrix: layout.stride,
        row: layout.stride, isByOutputs: true)
    }
  }

  /// The floats of a piece of a row that are added at a time, with all taps: `blockSize` of both
  /// sides of a matrix, so that lines of the cache are read and written whole.
  private static var blockSize: Int { 16 }

  /// Weights from matrices for taps, `matrix` floats apart, whose rows are `row` floats apart.
  private static func weights(
    _ shape: Shape, _ groups: [UnsafePointer<Float>], matrix: Int, row: Int, isByOutputs: Bool
  ) -> Tensor {
    let (outputs, inputs, taps) = (shape[0], shape[1], shape[2] * shape[3])
    let block = blockSize
    return Tensor(uninitialized: shape) { target in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: taps * block * block) { memory in
        guard let sums = memory.baseAddress else { return }
        if isByOutputs {
          for o in stride(from: 0, to: outputs, by: block) {
            let columns = min(block, outputs - o)
            for i in stride(from: 0, to: inputs, by: block) {
              let rows = min(block, inputs - i)
              for t in 0..<taps {
                for r in 0..<rows {
                  add(
                    groups, at: t * matrix + (i + r) * row + o, count: columns,
                    into: sums + (r * taps + t) * block)
                }
              }
              // Inputs and taps lie side by side.
              for c in 0..<columns {
                let line = target + ((o + c) * inputs + i) * taps
                for k in 0..<rows * taps { line[k] = sums[k * block + c] }
              }
            }
          }
          return
        }
        for o in 0..<outputs {
          if taps == 1 {
            add(groups, at: o * row, count: inputs, into: target + o * inputs)
            continue
          }
          for i in stride(from: 0, to: inputs, by: block) {
            let columns = min(block, inputs - i)
            for t in 0..<taps {
              add(groups, at: t * matrix + o * row + i, count: columns, into: sums + t * block)
            }
            let line = target + (o * inputs + i) * taps
            for c in 0..<columns {
              for t in 0..<taps { line[c * taps + t] = sums[t * block + c] }
            }
          }
        }
      }
    }
  }

  /// Writes the sums of all groups from a place on.
  private static func add(
    _ groups: [UnsafePointer<Float>], at offset: Int, count: Int,
    into target: UnsafeMutablePointer<Float>
  ) {
    typealias Vector = SIMD8<Float>
    let width = Vector.scalarCount
    var i = 0
    while i + width <= count {
      var sum = Vector()
      for group in groups {
        sum += UnsafeRawPointer(group + (offset + i)).loadUnaligned(as: Vector.self)
      }
      UnsafeMutableRawPointer(target + i).storeBytes(of: sum, as: Vector.self)
      i += width
    }
    while i < count {
      target[i] = groups.reduce(0) { $0 + $1[offset + i] }
      i += 1
    }
  }
}

/// A kind of step that can sum the cotangent over pixels in the same pass.
protocol OffsetStepKind: SummingStepKind {
  /// Adds what the step computes, and the sums of the cotangent to others.
  func add(
    _ step: Step, _ context: Context, _ kernels: Kernels, offsets: UnsafeMutablePointer<Float>?)
}

/// A gradient by the weights of a convolution: the step's input is the cotangent, its other value
/// what was convolved.
protocol WeightGradientKind: OffsetStepKind {
  /// The sizes of the convolution.
  var shape: ConvolutionShape { get }

  /// Adds the gradient.
  func add(_ job: WeightGradientJob, _ kernels: Kernels)
}

extension WeightGradientKind {
  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    add(step, context, kernels, offsets: nil)
  }

  func add(
    _ step: Step, _ context: Context, _ kernels: Kernels, offsets: UnsafeMutablePointer<Float>?
  ) {
    guard var job = WeightGradientJob(shape, step, context) else { return }
    job.channelSums = offsets
    add(job, kernels)
  }
}

/// The gradient by the weights of a convolution without groups.
struct WeightGradientStep: WeightGradientKind {
  /// The sizes of the convolution.
  let shape: ConvolutionShape

  var layout: SumLayout { .convolution(shape) }

  func label(of step: Step) -> String {
    "weight gradient \(shape.kernelHeight)×\(shape.kernelWidth) \(step.input.rows)×"
      + "\(shape.inputChannels)·\(shape.outputChannels)"
  }

  func flops(of step: Step) -> Int { shape.flops }

  func scratchSize(of step: Step, kernels: Kernels) -> Int {
    WeightGradientLayout(shape).scratchSize
  }

  func add(_ job: WeightGradientJob, _ kernels: Kernels) { kernels.weightGradient(job) }
}

/// The gradient by the weights of a depthwise convolution.
struct DepthwiseWeightGradientStep: WeightGradientKind {
  /// The sizes of the convolution.
  let shape: ConvolutionShape

  var layout: SumLayout { .depthwise(shape) }

  func label(of step: Step) -> String {
    "depthwise weight gradient \(shape.kernelHeight)×\(shape.kernelWidth) "
      + "\(step.input.rows)×\(shape.inputChannels)"
  }

  func flops(of step: Step) -> Int {
    2 * step.input.rows * shape.inputChannels * shape.kernelHeight * shape.kernelWidth
  }

  func scratchSize(of step: Step, kernels: Kernels) -> Int {
    WeightGradientLayout(depthwise: shape).scratchSize
  }

  func add(_ job: WeightGradientJob, _ kernels: Kernels) { kernels.depthwiseWeightGradient(job) }
}

extension WeightGradientJob {
  /// The job of a step; `nil` where nothing is summed.
  fileprivate init?(_ shape: ConvolutionShape, _ step: Step, _ context: Context) {
    guard let sums = context.sums(of: step) else { return nil }
    let x = step.others[0]
    self.init(
      shape: shape, input: context.pointer(x), inputStride: x.stride,
      cotangent: context.pointer(step.input), cotangentStride: step.input.stride, sums: sums,
      scratch: context.scratch)
    prologue = step.prologue(context)
  }
}

/// The gradient by what is added to every channel: the sum of the cotangent over pixels.
struct ChannelSumStep: SummingStepKind {
  /// The shape of the gradient.
  let shape: Shape

  var layout: SumLayout { .plain(shape) }

  func label(of step: Step) -> String { "channel sum \(step.input.rows)×\(step.input.channels)" }

  func flops(of step: Step) -> Int { step.input.count }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    guard let sums = context.sums(of: step) else { return }
    kernels.addChannels(
      context.pointer(step.input), stride: step.input.stride, pixels: step.input.rows,
      channels: step.input.channels, into: sums)
  }
}

/// The gradient by the scale of a batch normalisation with stored statistics: the step's other
/// value is what was normalised.
struct NormalizationGradientStep: OffsetStepKind {
  /// The stored mean.
  let mean: Tensor
  /// One over the deviation.
  let factor: FloatBlock

  var layout: SumLayout { .plain(mean.shape) }

  func label(of step: Step) -> String {
    "normalisation gradient \(step.input.rows)×\(step.input.channels)"
  }

  func flops(of step: Step) -> Int { 3 * step.input.count }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    add(step, context, kernels, offsets: nil)
  }

  func add(
    _ step: Step, _ context: Context, _ kernels: Kernels, offsets: UnsafeMutablePointer<Float>?
  ) {
    add(
      0..<step.input.rows, of: step, context, kernels, from: context.pointer(step.input),
      stride: step.input.stride, offsets: offsets)
  }

  /// Adds what some pixels have, from a cotangent in other memory, whose first pixel there is the
  /// first of them.
  func add(
    _ pixels: Range<Int>, of step: Step, _ context: Context, _ kernels: Kernels,
    from cotangent: UnsafePointer<Float>, stride: Int, offsets: UnsafeMutablePointer<Float>?
  ) {
    guard let sums = context.sums(of: step) else { return }
    let x = step.others[0]
    mean.withUnsafePointer { mean in
      kernels.normalizationGradient(
        NormalizationGradientJob(
          cotangent: cotangent, cotangentStride: stride,
          input: context.pointer(x) + pixels.lowerBound * x.stride, inputStride: x.stride,
          mean: mean, factor: factor.pointer, pixels: pixels.count,
          channels: step.input.channels, scales: sums, offsets: offsets))
    }
  }
}

/// The gradients by weights or a scale and by the offset beside them, of one pass over the
/// cotangent.
struct JointGradientStep: SummingStepKind {
  /// How the first of them is computed.
  let first: any OffsetStepKind

  var layout: SumLayout { first.layout }

  func label(of step: Step) -> String { first.label(of: step.links[0]) + " with offset" }

  func flops(of step: Step) -> Int { step.links.reduce(0) { $0 + $1.kind.flops(of: $1) } }

  func scratchSize(of step: Step, kernels: Kernels) -> Int {
    first.scratchSize(of: step.links[0], kernels: kernels)
  }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    first.add(step.links[0], context, kernels, offsets: context.sums(of: step.links[1]))
  }
}

/// A value that has no kernel for its sums: it is stored, and added.
struct SumStep: SummingStepKind {
  /// The shape of the value.
  let shape: Shape

  var layout: SumLayout { .plain(shape) }

  func label(of step: Step) -> String { "sum \(step.input.rows)×\(step.input.channels)" }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    guard let sums = context.sums(of: step) else { return }
    let (input, source) = (step.input, context.pointer(step.input))
    for row in 0..<input.rows {
      let (x, target) = (source + row * input.stride, sums + row * input.channels)
      for c in 0..<input.channels { target[c] += x[c] }
    }
  }
}

/// A value that is given once all images have come so far, because it depends on what was stored of
/// all of them.
struct MeetingStep: BatchedStepKind {
  /// Which of the values that are given.
  let index: Int

  func label(of step: Step) -> String { "meet \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { 1 }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    context.exchange.given[index](context.image, context.pointer(step.output))
  }

  var batched: (any BatchedStepKind)? { self }

  var readsBeforeWriting: Bool { false }

  func sharedSize(images: Int) -> Int { 0 }

  func execute(
    _ step: Step, workspace: Workspace, images: Int, kernels: Kernels, pool: WorkerPool
  ) {
    for slot in 0..<images {
      execute(step, workspace.context(lane: 0, slot: slot, image: slot), kernels, part: .whole)
    }
  }
}
