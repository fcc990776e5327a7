internal import PrismKernels

/// A convolution of every channel by itself.
struct DepthwiseStep: DepthwiseStepKind, RegionStepKind {
  let shape: ConvolutionShape

  func label(of step: Step) -> String {
    "depthwise \(shape.kernelHeight)×\(shape.kernelWidth)/\(shape.strideHeight) \(sizes(of: step))"
  }

  func flops(of step: Step) -> Int {
    2 * step.output.rows * shape.outputChannels * shape.kernelHeight * shape.kernelWidth
  }

  func divisions(of step: Step) -> Int { shape.rowDivisions }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    guard var job = step.convolutionJob(shape, context) else { return }
    job.rows = part.range(of: shape.outputHeight)
    run(job, kernels)
  }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, over region: Region) {
    guard var job = step.convolutionJob(shape, context) else { return }
    (job.rows, job.columns) = (region.rows, region.columns)
    run(job, kernels)
  }

  // MARK: - In a chain

  var source: (height: Int, width: Int) { (shape.inputHeight, shape.inputWidth) }

  var target: (height: Int, width: Int) { (shape.outputHeight, shape.outputWidth) }

  var suitsChannels: Bool { true }

  func sourceRows(under rows: Range<Int>) -> Range<Int> {
    let top = rows.lowerBound * shape.strideHeight - shape.paddingTop
    let last = (rows.upperBound - 1) * shape.strideHeight - shape.paddingTop
    let end = min(shape.inputHeight, last + shape.kernelHeight)
    return min(max(0, top), end)..<end
  }

  func sourceRows(_ count: Int) -> Int {
    min(shape.inputHeight, (count - 1) * shape.strideHeight + shape.kernelHeight)
  }

  func run(_ job: ConvolutionJob, _ kernels: Kernels) { kernels.depthwise(job) }

  // MARK: - Weights

  var format: String { "depthwise" }

  func packedSize(_ kernels: Kernels) -> Int {
    kernels.depthwisePackedSize(
      channels: shape.outputChannels, kernelHeight: shape.kernelHeight,
      kernelWidth: shape.kernelWidth)
  }

  func pack(
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    into packed: UnsafeMutablePointer<Float>, panels: Range<Int>, kernels: Kernels
  ) {
    kernels.packDepthwise(
      weights: weights, bias: bias, channels: shape.outputChannels,
      kernelHeight: shape.kernelHeight, kernelWidth: shape.kernelWidth, into: packed)
  }
}
