internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor

/// Where a value is: `rows` pixels of `channels` numbers, `stride` floats apart.
struct Place {
  /// The memory that holds it.
  enum Arena {
    /// That of the thread, for what is done with before the thread turns to another image.
    case thread
    /// That of the image, beside those of the other images of a batch.
    case image
  }

  var arena: Arena
  /// The floats of the arena before the first number.
  var offset: Int
  var stride: Int
  var rows: Int
  var channels: Int

  var isContiguous: Bool { stride == channels || rows == 1 }
}

/// One operation of a plan, with everything it needs but the memory.
struct Step {
  enum Work {
    case load
    case store(Int)
    /// With the width of the map.
    case pointwise(width: Int)
    case direct(ConvolutionShape)
    case depthwise(ConvolutionShape)
    case winograd(ConvolutionShape, m: Int)
    indirect case chain(ConvolutionChain)
    indirect case pooled(PooledConvolution)
    case dense(weight: Tensor, bias: Tensor?)
    case maximumPool(ConvolutionShape)
    case averagePool(ConvolutionShape, countsPadding: Bool)
    case globalAverage
    case scaleShift
    case finish
    case product(Place)
    case copy([(from: Place, to: Place)])
    case primitive(any Primitive, [Operand], Shape)
  }

  /// What a primitive without a kernel is given.
  enum Operand {
    case value(Place, Shape)
    case parameter(Tensor)
  }

  /// What is done to the input, with the memory it needs.
  enum Head {
    case none
    case affine(scale: FloatBlock, shift: FloatBlock, relu: Bool)
    case gate(Place)
  }

  var work: Work
  var input: Place
  var output: Place
  var weights: FloatBlock?
  var head = Head.none
  var function = FusedOperation.Function.identity
  var residual: Place?
  var addsAfterFunction = false

  /// Into how many parts the step of a single image is divided for a number of threads.
  func parts(_ workers: Int) -> Int {
    let length: Int
    switch work {
    case .load, .store, .copy, .primitive: return 1
    case .globalAverage: length = output.channels / 256
    case .pointwise:
      // A division must be worth the wake-up of a thread.
      if input.rows * input.channels * output.channels < 1 << 15 { return 1 }
      length = max(input.rows / 8, output.channels / 32)
    case .dense(let weight, _):
      if weight.count < 1 << 15 { return 1 }
      length = output.channels / 16
    case .direct(let shape), .depthwise(let shape), .winograd(let shape, _),
      .maximumPool(let shape), .averagePool(let shape, _):
      if output.rows * output.channels < 1 << 12 { return 1 }
      length = shape.outputHeight
    case .chain(let chain): length = chain.partCount
    case .pooled(let pooled): length = pooled.tileRows
    case .scaleShift, .finish, .product:
      if output.rows * output.channels < 1 << 14 { return 1 }
      length = output.rows
    }
    return max(1, min(workers, length))
  }

  /// Computes one of `parts` equal parts of the step.
  func execute(_ context: Context, _ kernels: Kernels, part: Int, of parts: Int) {
    let source = UnsafePointer(context.pointer(input))
    let target = context.pointer(output)
    func range(_ count: Int) -> (Int, Int) {
      (count * part / parts, count * (part + 1) / parts)
    }
    switch work {
    case .load, .store: break
    case .pointwise:
      guard var job = pointwiseJob(context) else { return }
      // Threads share what is larger, the pixels or the weights, and each reads all of the other.
      let panels = kernels.pointwisePanels(outputChannels: output.channels)
      if input.rows >= 8 * parts && (input.rows >= output.channels || panels < 4 * parts) {
        (job.rowStart, job.rowEnd) = range(input.rows)
      } else {
        (job.panelStart, job.panelEnd) = range(panels)
      }
      kernels.pointwise(job)
    case .direct(let shape):
      guard var job = convolutionJob(shape, context) else { return }
      (job.rowStart, job.rowEnd) = range(shape.outputHeight)
      kernels.dense(job)
    case .depthwise(let shape):
      guard var job = convolutionJob(shape, context) else { return }
      (job.rowStart, job.rowEnd) = range(shape.outputHeight)
      kernels.depthwise(job)
    case .winograd(let shape, let m):
      guard var job = convolutionJob(shape, context) else { return }
      (job.rowStart, job.rowEnd) = range(kernels.winogradTiles(shape, m: m))
      kernels.winograd(job, m: m)
    case .chain(let chain): chain.execute(context, kernels, part: part, of: parts)
    case .pooled(let pooled):
      pooled.execute(context, kernels, output: output, part: part, of: parts)
    case .dense(let weight, let bias):
      let (start, end) = range(output.channels)
      runDense(
        weight, bias, source, target, rows: 1, inputStride: input.channels,
        outputStride: output.channels, start..<end, kernels, epilogue(context))
    case .maximumPool(let shape):
      var job = poolJob(shape, context)
      (job.rowStart, job.rowEnd) = range(shape.outputHeight)
      kernels.maximumPool(job)
    case .averagePool(let shape, let countsPadding):
      var job = poolJob(shape, context)
      (job.rowStart, job.rowEnd) = range(shape.outputHeight)
      kernels.averagePool(job, countsPadding: countsPadding)
    case .globalAverage:
      let (start, end) = range(output.channels)
      kernels.globalAverage(
        source, inputStride: input.stride, pixels: input.rows, channelStart: start,
        channelEnd: end, output: target)
    case .scaleShift:
      let (start, end) = range(output.rows)
      kernels.scaleShift(
        source + start * input.stride, stride: input.stride, into: target + start * output.stride,
        outputStride: output.stride, rows: end - start, channels: output.channels,
        prologue: prologue(context))
    case .finish:
      let (start, end) = range(output.rows)
      var epilogue = epilogue(context)
      epilogue.residual = epilogue.residual.map { $0 + start * epilogue.residualStride }
      kernels.finish(
        source + start * input.stride, stride: input.stride, into: target + start * output.stride,
        outputStride: output.stride, rows: end - start, channels: output.channels,
        epilogue: epilogue)
    case .product(let other):
      let (start, end) = range(output.rows)
      kernels.multiply(
        source + start * input.stride, stride: input.stride,
        by: context.pointer(other) + start * other.stride, otherStride: other.stride,
        into: target + start * output.stride, outputStride: output.stride, rows: end - start,
        channels: output.channels)
    case .copy(let pairs):
      for (from, to) in pairs {
        copyRows(
          context.pointer(from), stride: from.stride, to: context.pointer(to), stride: to.stride,
          rows: from.rows, channels: from.channels)
      }
    case .primitive(let primitive, let operands, let shape):
      let tensors = operands.map { operand in
        switch operand {
        case .parameter(let tensor): return tensor
        case .value(let place, let shape):
          return Tensor(uninitialized: shape) { target in
            copyRows(
              context.pointer(place), stride: place.stride, to: target, stride: place.channels,
              rows: place.rows, channels: place.channels)
          }
        }
      }
      let result = primitive.forward(tensors).reshaped(to: shape)
      result.withUnsafePointer { source in
        copyRows(
          source, stride: output.channels, to: target, stride: output.stride, rows: output.rows,
          channels: output.channels)
      }
    }
  }

  /// Computes some outputs of a fully connected layer for several images.
  func runDense(
    _ weight: Tensor, _ bias: Tensor?, _ source: UnsafePointer<Float>,
    _ target: UnsafeMutablePointer<Float>, rows: Int, inputStride: Int, outputStride: Int,
    _ range: Range<Int>, _ kernels: Kernels, _ epilogue: Epilogue
  ) {
    weight.withUnsafePointer { weights in
      func run(_ bias: UnsafePointer<Float>?) {
        var job = FullyConnectedJob(
          input: source, inputStride: inputStride, weights: weights, bias: bias, output: target,
          outputStride: outputStride, rows: rows, inputs: weight.shape[1],
          outputs: weight.shape[0], epilogue: epilogue)
        (job.outputStart, job.outputEnd) = (range.lowerBound, range.upperBound)
        kernels.fullyConnected(job)
      }
      if let bias { bias.withUnsafePointer { run($0) } } else { run(nil) }
    }
  }

  func pointwiseJob(_ context: Context) -> PointwiseJob? {
    guard let weights else { return nil }
    return PointwiseJob(
      input: context.pointer(input), inputStride: input.stride, weights: weights.pointer,
      output: context.pointer(output), outputStride: output.stride, rows: input.rows,
      inputChannels: input.channels, outputChannels: output.channels, epilogue: epilogue(context),
      prologue: prologue(context), scratch: context.scratch)
  }

  func convolutionJob(_ shape: ConvolutionShape, _ context: Context) -> ConvolutionJob? {
    guard let weights else { return nil }
    return ConvolutionJob(
      shape: shape, input: context.pointer(input), inputStride: input.stride,
      weights: weights.pointer, output: context.pointer(output), outputStride: output.stride,
      epilogue: epilogue(context), prologue: prologue(context), scratch: context.scratch)
  }

  private func poolJob(_ shape: ConvolutionShape, _ context: Context) -> ConvolutionJob {
    ConvolutionJob(
      shape: shape, input: context.pointer(input), inputStride: input.stride,
      weights: context.pointer(input), output: context.pointer(output),
      outputStride: output.stride)
  }

  func epilogue(_ context: Context) -> Epilogue {
    var epilogue = function.epilogue
    if let residual {
      epilogue.residual = UnsafePointer(context.pointer(residual))
      epilogue.residualStride = residual.stride
      epilogue.residualAfterActivation = addsAfterFunction
    }
    return epilogue
  }

  private func prologue(_ context: Context) -> Prologue {
    switch head {
    case .none: Prologue()
    case .affine(let scale, let shift, let relu):
      Prologue(
        scale: UnsafePointer(scale.pointer), shift: UnsafePointer(shift.pointer), relu: relu)
    case .gate(let place): Prologue(scale: UnsafePointer(context.pointer(place)))
    }
  }
}
