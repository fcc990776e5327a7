internal import PrismKernels

/// The walk back through a convolution with strides, or from many channels to few: the products of
/// every pixel's cotangent with all weights, added up where windows overlap.
///
/// The products of some rows at a time are those of a pointwise convolution. A number of the image
/// is given its summands in the order of windows, however the rows are divided.
struct ScatterStep: PackedStepKind {
  /// The sizes of the convolution: its input is the step's output.
  let shape: ConvolutionShape

  func label(of step: Step) -> String {
    "scatter \(shape.kernelHeight)×\(shape.kernelWidth)/\(shape.strideHeight) \(sizes(of: step))"
  }

  func flops(of step: Step) -> Int { shape.flops }

  func divisions(of step: Step) -> Int {
    shape.inputHeight * shape.inputWidth * shape.outputChannels < 1 << 12 ? 1 : shape.inputHeight
  }

  // MARK: - Sizes

  /// The numbers that a pixel adds to a row of the image, in whole vectors of whatever width.
  private var length: Int { ArenaLayout.aligned(shape.kernelWidth * shape.inputChannels) }

  /// The products of a pixel.
  private var width: Int { shape.kernelHeight * length }

  /// The floats of a row of sums: the padded image, and what the last window has beyond.
  private var rowSize: Int {
    let columns = max(
      (shape.outputWidth - 1) * shape.strideWidth + shape.kernelWidth,
      shape.inputWidth + shape.paddingLeft)
    return ArenaLayout.aligned(columns * shape.inputChannels + length)
  }

  /// The rows of the image whose sums are formed at a time.
  private var bandRows: Int { max(1, min(shape.inputHeight, (1 << 16) / rowSize)) }

  /// The rows of cotangents whose products exist at a time.
  private var productRows: Int {
    let fitting = (1 << 16) / (shape.outputWidth * width)
    return max(1, min(shape.outputHeight, fitting, 256 / shape.outputWidth))
  }

  private var productSize: Int { ArenaLayout.aligned(productRows * shape.outputWidth * width) }

  func scratchSize(of step: Step, kernels: Kernels) -> Int {
    productSize + bandRows * rowSize
      + kernels.pointwiseScratchSize(
        inputChannels: shape.outputChannels, inputStride: step.input.stride,
        outputChannels: width, hasPrologue: false)
  }

  // MARK: - Execution

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    let rows = part.range(of: shape.inputHeight)
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: bandRows) {
      let band = start..<min(start + bandRows, rows.upperBound)
      let sums = context.scratch + productSize
      sums.update(repeating: 0, count: band.count * rowSize)
      add(step, context, kernels, to: sums, band: band)
      finish(step, context, kernels, from: sums, band: band)
    }
  }

  /// Adds what all windows over some rows of the image have for them.
  private func add(
    _ step: Step, _ context: Context, _ kernels: Kernels, to sums: UnsafeMutablePointer<Float>,
    band: Range<Int>
  ) {
    guard let weights = step.weights else { return }
    let products = context.scratch
    let pixels = shape.outputWidth
    // Windows that reach a row begin at most a kernel before it.
    let first = max(
      0, (band.lowerBound + shape.paddingTop - shape.kernelHeight) / shape.strideHeight)
    let last = min(
      shape.outputHeight, (band.upperBound - 1 + shape.paddingTop) / shape.strideHeight + 1)
    guard first < last else { return }
    var job = PointwiseJob(
      input: context.pointer(step.input), inputStride: step.input.stride,
      weights: weights.pointer, output: products, outputStride: width,
      rows: step.input.rows, inputChannels: shape.outputChannels, outputChannels: width,
      scratch: products + productSize + bandRows * rowSize)
    for start in stride(from: first, to: last, by: productRows) {
      let end = min(start + productRows, last)
      job.rows = (start * pixels)..<(end * pixels)
      job.output = products - start * pixels * width
      kernels.pointwise(job)
      for window in start..<end {
        let top = window * shape.strideHeight - shape.paddingTop
        for tap in 0..<shape.kernelHeight where band.contains(top + tap) {
          kernels.scatter(
            products + (window - start) * pixels * width + tap * length, stride: width,
            pixels: pixels, length: length,
            into: sums + (top + tap - band.lowerBound) * rowSize,
            step: shape.strideWidth * shape.inputChannels)
        }
      }
    }
  }

  /// Writes finished rows.
  private func finish(
    _ step: Step, _ context: Context, _ kernels: Kernels, from sums: UnsafeMutablePointer<Float>,
    band: Range<Int>
  ) {
    let (columns, channels, stride) = (shape.inputWidth, shape.inputChannels, step.output.stride)
    let whole = step.epilogue(context)
    let isPlain = step.tail.operands.isEmpty && step.tail.isLinear
    for row in band {
      let source = sums + (row - band.lowerBound) * rowSize + shape.paddingLeft * channels
      let target = context.pointer(step.output) + row * columns * stride
      if isPlain {
        copyRows(
          source, stride: channels, to: target, stride: stride, rows: columns, channels: channels)
        continue
      }
      var epilogue = whole
      epilogue.residual = whole.residual.map { $0 + row * columns * whole.residualStride }
      epilogue.gate = whole.gate?.advanced(row: row * columns)
      kernels.finish(
        source, stride: channels, into: target, outputStride: stride, rows: columns,
        channels: channels, epilogue: epilogue)
    }
  }

  // MARK: - Weights

  var format: String { "scatter" }

  func packedSize(_ kernels: Kernels) -> Int {
    kernels.pointwisePackedSize(inputChannels: shape.outputChannels, outputChannels: width)
  }

  func pack(
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    into packed: UnsafeMutablePointer<Float>, panels: Range<Int>, kernels: Kernels
  ) {
    // Reversed weights, `[I, O, kH, kW]` with turned kernels, as `[kH, kW, I]` with zeros behind
    // each row, for every O.
    let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
    let taps = shape.kernelHeight * shape.kernelWidth
    var table = [Float](repeating: 0, count: width * outputs)
    for i in 0..<inputs {
      for o in 0..<outputs {
        let source = weights + (i * outputs + o) * taps
        for tap in 0..<taps {
          let column =
            tap / shape.kernelWidth * length + tap % shape.kernelWidth * inputs + i
          table[column * outputs + o] = source[taps - 1 - tap]
        }
      }
    }
    table.withUnsafeBufferPointer { table in
      guard let base = table.baseAddress else { return }
      kernels.packPointwise(
        weights: base, inputStep: 1, outputStep: outputs, bias: nil, inputChannels: outputs,
        outputChannels: width, into: packed)
    }
  }
}
