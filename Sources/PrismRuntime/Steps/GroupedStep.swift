internal import PrismKernels

/// A convolution in groups of channels, each by the direct sum.
struct GroupedStep: PackedStepKind, RegionStepKind {
  let shape: ConvolutionShape
  let groups: ChannelGroups

  private var part: ConvolutionShape { groups.part }

  func label(of step: Step) -> String {
    "\(groups.count) groups \(shape.kernelHeight)×\(shape.kernelWidth)/\(shape.strideHeight) "
      + sizes(of: step)
  }

  func flops(of step: Step) -> Int { shape.flops / groups.count }

  func divisions(of step: Step) -> Int { shape.rowDivisions }

  func scratchSize(of step: Step, kernels: Kernels) -> Int { kernels.denseScratchSize(part) }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part share: Part) {
    execute(
      step, context, kernels, rows: share.range(of: shape.outputHeight),
      columns: 0..<shape.outputWidth)
  }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, over region: Region) {
    execute(step, context, kernels, rows: region.rows, columns: region.columns)
  }

  private func execute(
    _ step: Step, _ context: Context, _ kernels: Kernels, rows: Range<Int>, columns: Range<Int>
  ) {
    guard let whole = step.convolutionJob(shape, context) else { return }
    let size = partSize(kernels)
    // Some rows of all groups after each other, so that the input is read from the cache.
    let row = shape.inputWidth * shape.inputChannels * shape.strideHeight
    let most = max(8, (1 << 17) / row)
    // Blocks of about the same size: neighbours read the rows under the kernel twice.
    let blocks = max(1, (rows.count + most - 1) / most)
    for block in 0..<blocks {
      let share = Part(index: block, count: blocks).range(of: rows.count)
      for index in 0..<groups.parts {
        var job = whole
        job.shape = part
        job.rows = (rows.lowerBound + share.lowerBound)..<(rows.lowerBound + share.upperBound)
        job.columns = columns
        job.input += index * part.inputChannels
        job.output += index * part.outputChannels
        job.weights += index * size
        if let residual = job.epilogue.residual {
          job.epilogue.residual = residual + index * part.outputChannels
        } else {
          // The next groups write theirs afterwards.
          job.spareChannels = shape.outputChannels - (index + 1) * part.outputChannels
        }
        kernels.dense(job)
      }
    }
  }

  // MARK: - Weights

  var format: String { "grouped" }

  /// The floats of one part's packed weights.
  private func partSize(_ kernels: Kernels) -> Int {
    (kernels.densePackedSize(part) + 15) / 16 * 16
  }

  func packedSize(_ kernels: Kernels) -> Int { groups.parts * partSize(kernels) }

  func pack(
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    into packed: UnsafeMutablePointer<Float>, panels: Range<Int>, kernels: Kernels
  ) {
    groups.forEachPart(weights: weights, bias: bias) { index, weights, bias in
      kernels.packDense(
        weights: weights, bias: bias, shape: part, into: packed + index * partSize(kernels))
    }
  }
}
