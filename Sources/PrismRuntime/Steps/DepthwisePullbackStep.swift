internal import PrismKernels

/// The walk back through a depthwise convolution with strides.
struct DepthwisePullbackStep: DepthwiseStepKind {
  /// The sizes of the convolution: its input is the step's output.
  let shape: ConvolutionShape

  func label(of step: Step) -> String {
    "depthwise pullback \(shape.kernelHeight)×\(shape.kernelWidth)/\(shape.strideHeight) "
      + sizes(of: step)
  }

  func flops(of step: Step) -> Int {
    2 * step.input.rows * shape.outputChannels * shape.kernelHeight * shape.kernelWidth
  }

  func divisions(of step: Step) -> Int {
    step.output.count < 1 << 12 ? 1 : shape.inputHeight
  }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    guard var job = step.convolutionJob(shape, context) else { return }
    job.rows = part.range(of: shape.inputHeight)
    run(job, kernels)
  }

  // MARK: - In a chain

  var source: (height: Int, width: Int) { (shape.outputHeight, shape.outputWidth) }

  var target: (height: Int, width: Int) { (shape.inputHeight, shape.inputWidth) }

  var suitsChannels: Bool { false }

  func sourceRows(under rows: Range<Int>) -> Range<Int> {
    // Windows that reach a row begin at most a kernel before it.
    let stride = shape.strideHeight
    let first = rows.lowerBound + shape.paddingTop - shape.kernelHeight + stride
    let end = min(shape.outputHeight, (rows.upperBound - 1 + shape.paddingTop) / stride + 1)
    return min(max(0, first) / stride, end)..<end
  }

  func sourceRows(_ count: Int) -> Int {
    min(shape.outputHeight, (count + shape.kernelHeight - 2) / shape.strideHeight + 1)
  }

  func run(_ job: ConvolutionJob, _ kernels: Kernels) { kernels.depthwisePullback(job) }

  // MARK: - Weights

  var format: String { "depthwise pullback" }

  func packedSize(_ kernels: Kernels) -> Int {
    kernels.depthwisePackedSize(
      channels: shape.outputChannels, kernelHeight: shape.kernelHeight,
      kernelWidth: shape.kernelWidth)
  }

  func pack(
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    into packed: UnsafeMutablePointer<Float>, panels: Range<Int>, kernels: Kernels
  ) {
    // Reversed weights, whose kernels the walk back takes as they were.
    let taps = shape.kernelHeight * shape.kernelWidth
    let count = shape.outputChannels * taps
    let turned = (0..<count).map { i in weights[i / taps * taps + taps - 1 - i % taps] }
    turned.withUnsafeBufferPointer { turned in
      guard let base = turned.baseAddress else { return }
      kernels.packDepthwise(
        weights: base, bias: bias, channels: shape.outputChannels,
        kernelHeight: shape.kernelHeight, kernelWidth: shape.kernelWidth, into: packed)
    }
  }
}
