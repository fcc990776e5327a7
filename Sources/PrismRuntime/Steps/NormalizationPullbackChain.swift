internal import PrismKernels

/// The walk back through a pointwise convolution to what was normalised before it, in blocks of
/// pixels.
///
/// The cotangent of the normalised value, from which come the gradients by scale and offset and the
/// cotangent of what was normalised, is never whole, and stays in the second-level cache. The links
/// are the convolution, the gradient by the scale, that by the offset, and the factors with or
/// without a sum.
struct NormalizationPullbackChain: StepKind {
  let product: PointwiseStep
  let gradient: NormalizationGradientStep

  /// The floats of a block: a sixth of a usual second-level cache of 1 MiB, which leaves room for
  /// as much of what was normalised, of both sums and of the weights.
  private static let blockSize = 44 << 10

  func label(of step: Step) -> String {
    step.links.map { $0.kind.label(of: $0) }.joined(separator: ", ")
  }

  func flops(of step: Step) -> Int { step.links.reduce(0) { $0 + $1.kind.flops(of: $1) } }

  func divisions(of step: Step) -> Int { 1 }

  /// The blocks of about the same size.
  private func blocks(_ step: Step) -> Int {
    (step.output.count + Self.blockSize - 1) / Self.blockSize
  }

  private func room(_ step: Step) -> Int {
    let blocks = blocks(step)
    return ArenaLayout.aligned((step.output.rows + blocks - 1) / blocks * step.output.channels)
  }

  func scratchSize(of step: Step, kernels: Kernels) -> Int {
    room(step) + product.scratchSize(of: step.links[0], kernels: kernels)
  }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    let block = context.scratch
    var context = context
    context.scratch += room(step)
    guard var job = product.job(step.links[0], context) else { return }
    let channels = step.output.channels
    let count = blocks(step)
    job.outputStride = channels
    for index in 0..<count {
      let pixels = Part(index: index, count: count).range(of: step.output.rows)
      job.rows = pixels
      job.output = block - pixels.lowerBound * channels
      kernels.pointwise(job)
      gradient.add(
        pixels, of: step.links[1], context, kernels, from: block, stride: channels,
        offsets: context.sums(of: step.links[2]))
      finish(pixels, of: step.links[3], context, kernels, from: block)
    }
  }

  /// The cotangents of what was normalised, for some pixels, of which the first is at a place.
  private func finish(
    _ pixels: Range<Int>, of step: Step, _ context: Context, _ kernels: Kernels,
    from block: UnsafePointer<Float>
  ) {
    func row(_ place: Place) -> UnsafeMutablePointer<Float> {
      context.pointer(place) + pixels.lowerBound * place.stride
    }
    let output = step.output
    if let kind = step.kind as? AddScaledStep {
      kernels.addScaled(
        block, stride: output.channels, scale: kind.scale.pointer, to: row(step.others[0]),
        otherStride: step.others[0].stride, into: row(output), outputStride: output.stride,
        rows: pixels.count, channels: output.channels)
    } else {
      kernels.scaleShift(
        block, stride: output.channels, into: row(output), outputStride: output.stride,
        rows: pixels.count, channels: output.channels, prologue: step.prologue(context))
    }
  }
}
