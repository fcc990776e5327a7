// One jump from the facade to the variant.

package import PrismKernelsBaseline

#if arch(x86_64)
  import PrismKernelsAVX2
  import PrismKernelsAVX512
#endif

// Pointwise products.
extension Kernels {
  /// Returns the output channels in one panel of packed pointwise weights.
  package func pointwisePanelWidth() -> Int {
    switch instructionSet {
    case .baseline: return PrismKernelsBaseline.Pointwise.panelWidth()
    #if arch(x86_64)
      case .avx2: return PrismKernelsAVX2.Pointwise.panelWidth()
      case .avx512: return PrismKernelsAVX512.Pointwise.panelWidth()
    #else
      case .avx2, .avx512: return PrismKernelsBaseline.Pointwise.panelWidth()
    #endif
    }
  }

  /// Returns the panels of a pointwise product; a job can be split between them.
  package func pointwisePanels(outputChannels: Int) -> Int {
    switch instructionSet {
    case .baseline: return PrismKernelsBaseline.Pointwise.panels(outputChannels: outputChannels)
    #if arch(x86_64)
      case .avx2: return PrismKernelsAVX2.Pointwise.panels(outputChannels: outputChannels)
      case .avx512: return PrismKernelsAVX512.Pointwise.panels(outputChannels: outputChannels)
    #else
      case .avx2, .avx512:
        return PrismKernelsBaseline.Pointwise.panels(outputChannels: outputChannels)
    #endif
    }
  }

  /// Returns the floats that `packPointwise` writes.
  package func pointwisePackedSize(inputChannels: Int, outputChannels: Int) -> Int {
    switch instructionSet {
    case .baseline:
      return PrismKernelsBaseline.Pointwise.packedSize(
        inputChannels: inputChannels, outputChannels: outputChannels)
    #if arch(x86_64)
      case .avx2:
        return PrismKernelsAVX2.Pointwise.packedSize(
          inputChannels: inputChannels, outputChannels: outputChannels)
      case .avx512:
        return PrismKernelsAVX512.Pointwise.packedSize(
          inputChannels: inputChannels, outputChannels: outputChannels)
    #else
      case .avx2, .avx512:
        return PrismKernelsBaseline.Pointwise.packedSize(
          inputChannels: inputChannels, outputChannels: outputChannels)
    #endif
    }
  }

  /// Packs weights and bias of a pointwise product.
  ///
  /// The weight of input `k` for output `n` is at `k * inputStep + n * outputStep`; a missing bias is zero. Packed
  /// weights belong on a 64-byte boundary for full speed.
  package func packPointwise(
    weights: UnsafePointer<Float>, inputStep: Int, outputStep: Int, bias: UnsafePointer<Float>?,
    inputChannels: Int, outputChannels: Int, into packed: UnsafeMutablePointer<Float>
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Pointwise.pack(
        weights: weights, inputStep: inputStep, outputStep: outputStep, bias: bias,
        inputChannels: inputChannels, outputChannels: outputChannels, into: packed)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Pointwise.pack(
          weights: weights, inputStep: inputStep, outputStep: outputStep, bias: bias,
          inputChannels: inputChannels, outputChannels: outputChannels, into: packed)
      case .avx512:
        PrismKernelsAVX512.Pointwise.pack(
          weights: weights, inputStep: inputStep, outputStep: outputStep, bias: bias,
          inputChannels: inputChannels, outputChannels: outputChannels, into: packed)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Pointwise.pack(
          weights: weights, inputStep: inputStep, outputStep: outputStep, bias: bias,
          inputChannels: inputChannels, outputChannels: outputChannels, into: packed)
    #endif
    }
  }

  /// Returns the floats of scratch a thread needs for a pointwise job: zero unless there is a prologue or the rows of
  /// the input are a multiple of 4 KiB apart.
  package func pointwiseScratchSize(
    inputChannels: Int, inputStride: Int, outputChannels: Int, hasPrologue: Bool
  ) -> Int {
    switch instructionSet {
    case .baseline:
      return PrismKernelsBaseline.Pointwise.scratchSize(
        inputChannels: inputChannels, inputStride: inputStride, outputChannels: outputChannels,
        hasPrologue: hasPrologue)
    #if arch(x86_64)
      case .avx2:
        return PrismKernelsAVX2.Pointwise.scratchSize(
          inputChannels: inputChannels, inputStride: inputStride, outputChannels: outputChannels,
          hasPrologue: hasPrologue)
      case .avx512:
        return PrismKernelsAVX512.Pointwise.scratchSize(
          inputChannels: inputChannels, inputStride: inputStride, outputChannels: outputChannels,
          hasPrologue: hasPrologue)
    #else
      case .avx2, .avx512:
        return PrismKernelsBaseline.Pointwise.scratchSize(
          inputChannels: inputChannels, inputStride: inputStride, outputChannels: outputChannels,
          hasPrologue: hasPrologue)
    #endif
    }
  }

  /// Computes a pointwise product: `C[M, N] = A[M, K] · B[K, N] + bias` with prologue and epilogue.
  package func pointwise(_ job: PointwiseJob) {
    switch instructionSet {
    case .baseline: PrismKernelsBaseline.Pointwise.run(job)
    #if arch(x86_64)
      case .avx2: PrismKernelsAVX2.Pointwise.run(job)
      case .avx512: PrismKernelsAVX512.Pointwise.run(job)
    #else
      case .avx2, .avx512: PrismKernelsBaseline.Pointwise.run(job)
    #endif
    }
  }
}

// Depthwise convolution.
extension Kernels {
  /// Returns the floats that `packDepthwise` writes.
  package func depthwisePackedSize(channels: Int, kernelHeight: Int, kernelWidth: Int) -> Int {
    switch instructionSet {
    case .baseline:
      return PrismKernelsBaseline.Depthwise.packedSize(
        channels: channels, kernelHeight: kernelHeight, kernelWidth: kernelWidth)
    #if arch(x86_64)
      case .avx2:
        return PrismKernelsAVX2.Depthwise.packedSize(
          channels: channels, kernelHeight: kernelHeight, kernelWidth: kernelWidth)
      case .avx512:
        return PrismKernelsAVX512.Depthwise.packedSize(
          channels: channels, kernelHeight: kernelHeight, kernelWidth: kernelWidth)
    #else
      case .avx2, .avx512:
        return PrismKernelsBaseline.Depthwise.packedSize(
          channels: channels, kernelHeight: kernelHeight, kernelWidth: kernelWidth)
    #endif
    }
  }

  /// Packs depthwise weights `[C, kH, kW]` and a bias `[C]`, zero when missing.
  package func packDepthwise(
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, channels: Int, kernelHeight: Int,
    kernelWidth: Int, into packed: UnsafeMutablePointer<Float>
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Depthwise.pack(
        weights: weights, bias: bias, channels: channels, kernelHeight: kernelHeight,
        kernelWidth: kernelWidth, into: packed)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Depthwise.pack(
          weights: weights, bias: bias, channels: channels, kernelHeight: kernelHeight,
          kernelWidth: kernelWidth, into: packed)
      case .avx512:
        PrismKernelsAVX512.Depthwise.pack(
          weights: weights, bias: bias, channels: channels, kernelHeight: kernelHeight,
          kernelWidth: kernelWidth, into: packed)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Depthwise.pack(
          weights: weights, bias: bias, channels: channels, kernelHeight: kernelHeight,
          kernelWidth: kernelWidth, into: packed)
    #endif
    }
  }

  /// Computes the output rows of a depthwise convolution.
  ///
  /// Fast for 3x3 and 5x5 with stride 1 or 2, correct for every other shape.
  package func depthwise(_ job: ConvolutionJob) {
    switch instructionSet {
    case .baseline: PrismKernelsBaseline.Depthwise.run(job)
    #if arch(x86_64)
      case .avx2: PrismKernelsAVX2.Depthwise.run(job)
      case .avx512: PrismKernelsAVX512.Depthwise.run(job)
    #else
      case .avx2, .avx512: PrismKernelsBaseline.Depthwise.run(job)
    #endif
    }
  }
}

// Dense convolution.
extension Kernels {
  /// Returns the floats that `packDense` writes.
  package func densePackedSize(_ shape: ConvolutionShape) -> Int {
    switch instructionSet {
    case .baseline: return PrismKernelsBaseline.DenseConvolution.packedSize(shape)
    #if arch(x86_64)
      case .avx2: return PrismKernelsAVX2.DenseConvolution.packedSize(shape)
      case .avx512: return PrismKernelsAVX512.DenseConvolution.packedSize(shape)
    #else
      case .avx2, .avx512: return PrismKernelsBaseline.DenseConvolution.packedSize(shape)
    #endif
    }
  }

  /// Packs dense weights `[O, I, kH, kW]` and a bias `[O]`, zero when missing.
  package func packDense(
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, shape: ConvolutionShape,
    into packed: UnsafeMutablePointer<Float>
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.DenseConvolution.pack(
        weights: weights, bias: bias, shape: shape, into: packed)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.DenseConvolution.pack(
          weights: weights, bias: bias, shape: shape, into: packed)
      case .avx512:
        PrismKernelsAVX512.DenseConvolution.pack(
          weights: weights, bias: bias, shape: shape, into: packed)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.DenseConvolution.pack(
          weights: weights, bias: bias, shape: shape, into: packed)
    #endif
    }
  }

  /// Returns the floats of scratch that one thread needs for `dense`.
  package func denseScratchSize(_ shape: ConvolutionShape) -> Int {
    switch instructionSet {
    case .baseline: return PrismKernelsBaseline.DenseConvolution.scratchSize(shape)
    #if arch(x86_64)
      case .avx2: return PrismKernelsAVX2.DenseConvolution.scratchSize(shape)
      case .avx512: return PrismKernelsAVX512.DenseConvolution.scratchSize(shape)
    #else
      case .avx2, .avx512: return PrismKernelsBaseline.DenseConvolution.scratchSize(shape)
    #endif
    }
  }

  /// Computes the output rows of a dense convolution, directly: any kernel, stride and padding.
  package func dense(_ job: ConvolutionJob) {
    switch instructionSet {
    case .baseline: PrismKernelsBaseline.DenseConvolution.run(job)
    #if arch(x86_64)
      case .avx2: PrismKernelsAVX2.DenseConvolution.run(job)
      case .avx512: PrismKernelsAVX512.DenseConvolution.run(job)
    #else
      case .avx2, .avx512: PrismKernelsBaseline.DenseConvolution.run(job)
    #endif
    }
  }
}

// Winograd convolution.
extension Kernels {
  /// Returns the tiles of an image for F(m x m, 3 x 3), `m` 2 or 4; jobs can be split between them.
  package func winogradTiles(_ shape: ConvolutionShape, m: Int) -> Int {
    switch instructionSet {
    case .baseline: return PrismKernelsBaseline.Winograd.tiles(shape, m: m)
    #if arch(x86_64)
      case .avx2: return PrismKernelsAVX2.Winograd.tiles(shape, m: m)
      case .avx512: return PrismKernelsAVX512.Winograd.tiles(shape, m: m)
    #else
      case .avx2, .avx512: return PrismKernelsBaseline.Winograd.tiles(shape, m: m)
    #endif
    }
  }

  /// Returns the floats that `packWinograd` writes.
  package func winogradPackedSize(inputChannels: Int, outputChannels: Int, m: Int) -> Int {
    switch instructionSet {
    case .baseline:
      return PrismKernelsBaseline.Winograd.packedSize(
        inputChannels: inputChannels, outputChannels: outputChannels, m: m)
    #if arch(x86_64)
      case .avx2:
        return PrismKernelsAVX2.Winograd.packedSize(
          inputChannels: inputChannels, outputChannels: outputChannels, m: m)
      case .avx512:
        return PrismKernelsAVX512.Winograd.packedSize(
          inputChannels: inputChannels, outputChannels: outputChannels, m: m)
    #else
      case .avx2, .avx512:
        return PrismKernelsBaseline.Winograd.packedSize(
          inputChannels: inputChannels, outputChannels: outputChannels, m: m)
    #endif
    }
  }

  /// Transforms and packs `[O, I, 3, 3]` weights; panels are those of `pointwisePanels` and can be divided among
  /// threads, all together are `0 ..< Int.max`.
  package func packWinograd(
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, inputChannels: Int,
    outputChannels: Int, m: Int, panelStart: Int, panelEnd: Int,
    into packed: UnsafeMutablePointer<Float>
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Winograd.pack(
        weights: weights, bias: bias, inputChannels: inputChannels, outputChannels: outputChannels,
        m: m, panelStart: panelStart, panelEnd: panelEnd, into: packed)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Winograd.pack(
          weights: weights, bias: bias, inputChannels: inputChannels,
          outputChannels: outputChannels, m: m, panelStart: panelStart, panelEnd: panelEnd,
          into: packed)
      case .avx512:
        PrismKernelsAVX512.Winograd.pack(
          weights: weights, bias: bias, inputChannels: inputChannels,
          outputChannels: outputChannels, m: m, panelStart: panelStart, panelEnd: panelEnd,
          into: packed)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Winograd.pack(
          weights: weights, bias: bias, inputChannels: inputChannels,
          outputChannels: outputChannels, m: m, panelStart: panelStart, panelEnd: panelEnd,
          into: packed)
    #endif
    }
  }

  /// Returns the floats of scratch that one thread needs for `winograd`.
  package func winogradScratchSize(_ shape: ConvolutionShape, m: Int) -> Int {
    switch instructionSet {
    case .baseline: return PrismKernelsBaseline.Winograd.scratchSize(shape, m: m)
    #if arch(x86_64)
      case .avx2: return PrismKernelsAVX2.Winograd.scratchSize(shape, m: m)
      case .avx512: return PrismKernelsAVX512.Winograd.scratchSize(shape, m: m)
    #else
      case .avx2, .avx512: return PrismKernelsBaseline.Winograd.scratchSize(shape, m: m)
    #endif
    }
  }

  /// Returns how many tiles `winograd` takes at a time; splits at its multiples waste nothing.
  package func winogradBlockTiles(inputChannels: Int, outputChannels: Int, m: Int) -> Int {
    switch instructionSet {
    case .baseline:
      return PrismKernelsBaseline.Winograd.blockTiles(
        inputChannels: inputChannels, outputChannels: outputChannels, m: m)
    #if arch(x86_64)
      case .avx2:
        return PrismKernelsAVX2.Winograd.blockTiles(
          inputChannels: inputChannels, outputChannels: outputChannels, m: m)
      case .avx512:
        return PrismKernelsAVX512.Winograd.blockTiles(
          inputChannels: inputChannels, outputChannels: outputChannels, m: m)
    #else
      case .avx2, .avx512:
        return PrismKernelsBaseline.Winograd.blockTiles(
          inputChannels: inputChannels, outputChannels: outputChannels, m: m)
    #endif
    }
  }

  /// Computes the tiles `rowStart ..< rowEnd` of a job, all phases.
  package func winograd(_ job: ConvolutionJob, m: Int) {
    switch instructionSet {
    case .baseline: PrismKernelsBaseline.Winograd.run(job, m: m)
    #if arch(x86_64)
      case .avx2: PrismKernelsAVX2.Winograd.run(job, m: m)
      case .avx512: PrismKernelsAVX512.Winograd.run(job, m: m)
    #else
      case .avx2, .avx512: PrismKernelsBaseline.Winograd.run(job, m: m)
    #endif
    }
  }

  /// Returns the floats of scratch that a thread needs for one of the transforms.
  package func winogradPatchSize(_ shape: ConvolutionShape, m: Int) -> Int {
    switch instructionSet {
    case .baseline: return PrismKernelsBaseline.Winograd.patchSize(shape, m: m)
    #if arch(x86_64)
      case .avx2: return PrismKernelsAVX2.Winograd.patchSize(shape, m: m)
      case .avx512: return PrismKernelsAVX512.Winograd.patchSize(shape, m: m)
    #else
      case .avx2, .avx512: return PrismKernelsBaseline.Winograd.patchSize(shape, m: m)
    #endif
    }
  }

  /// Returns the floats of the transformed input of `capacity` tiles.
  package func winogradInputBufferSize(inputChannels: Int, m: Int, capacity: Int) -> Int {
    switch instructionSet {
    case .baseline:
      return PrismKernelsBaseline.Winograd.inputBufferSize(
        inputChannels: inputChannels, m: m, capacity: capacity)
    #if arch(x86_64)
      case .avx2:
        return PrismKernelsAVX2.Winograd.inputBufferSize(
          inputChannels: inputChannels, m: m, capacity: capacity)
      case .avx512:
        return PrismKernelsAVX512.Winograd.inputBufferSize(
          inputChannels: inputChannels, m: m, capacity: capacity)
    #else
      case .avx2, .avx512:
        return PrismKernelsBaseline.Winograd.inputBufferSize(
          inputChannels: inputChannels, m: m, capacity: capacity)
    #endif
    }
  }

  /// Returns the floats of the products of `capacity` tiles.
  package func winogradProductBufferSize(outputChannels: Int, m: Int, capacity: Int) -> Int {
    switch instructionSet {
    case .baseline:
      return PrismKernelsBaseline.Winograd.productBufferSize(
        outputChannels: outputChannels, m: m, capacity: capacity)
    #if arch(x86_64)
      case .avx2:
        return PrismKernelsAVX2.Winograd.productBufferSize(
          outputChannels: outputChannels, m: m, capacity: capacity)
      case .avx512:
        return PrismKernelsAVX512.Winograd.productBufferSize(
          outputChannels: outputChannels, m: m, capacity: capacity)
    #else
      case .avx2, .avx512:
        return PrismKernelsBaseline.Winograd.productBufferSize(
          outputChannels: outputChannels, m: m, capacity: capacity)
    #endif
    }
  }

  /// First phase: transforms the input of the job's tiles into the slots from `slot` on of a buffer.
  package func winogradInput(
    _ job: ConvolutionJob, m: Int, into buffer: UnsafeMutablePointer<Float>, capacity: Int,
    slot: Int
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Winograd.transformInput(
        job, m: m, into: buffer, capacity: capacity, slot: slot)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Winograd.transformInput(
          job, m: m, into: buffer, capacity: capacity, slot: slot)
      case .avx512:
        PrismKernelsAVX512.Winograd.transformInput(
          job, m: m, into: buffer, capacity: capacity, slot: slot)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Winograd.transformInput(
          job, m: m, into: buffer, capacity: capacity, slot: slot)
    #endif
    }
  }

  /// Second phase: the products at the points `pointStart ..< pointEnd` of `(m + 2)²` for some slots.
  package func winogradMultiply(
    _ shape: ConvolutionShape, m: Int, weights: UnsafePointer<Float>, input: UnsafePointer<Float>,
    products: UnsafeMutablePointer<Float>, capacity: Int, slotStart: Int, slotEnd: Int,
    pointStart: Int, pointEnd: Int
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Winograd.multiply(
        shape, m: m, weights: weights, input: input, products: products, capacity: capacity,
        slotStart: slotStart, slotEnd: slotEnd, pointStart: pointStart, pointEnd: pointEnd)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Winograd.multiply(
          shape, m: m, weights: weights, input: input, products: products, capacity: capacity,
          slotStart: slotStart, slotEnd: slotEnd, pointStart: pointStart, pointEnd: pointEnd)
      case .avx512:
        PrismKernelsAVX512.Winograd.multiply(
          shape, m: m, weights: weights, input: input, products: products, capacity: capacity,
          slotStart: slotStart, slotEnd: slotEnd, pointStart: pointStart, pointEnd: pointEnd)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Winograd.multiply(
          shape, m: m, weights: weights, input: input, products: products, capacity: capacity,
          slotStart: slotStart, slotEnd: slotEnd, pointStart: pointStart, pointEnd: pointEnd)
    #endif
    }
  }

  /// Third phase: transforms the products of the job's tiles and writes the outputs with the epilogue.
  package func winogradOutput(
    _ job: ConvolutionJob, m: Int, products: UnsafePointer<Float>, capacity: Int, slot: Int
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Winograd.transformOutput(
        job, m: m, products: products, capacity: capacity, slot: slot)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Winograd.transformOutput(
          job, m: m, products: products, capacity: capacity, slot: slot)
      case .avx512:
        PrismKernelsAVX512.Winograd.transformOutput(
          job, m: m, products: products, capacity: capacity, slot: slot)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Winograd.transformOutput(
          job, m: m, products: products, capacity: capacity, slot: slot)
    #endif
    }
  }
}

// Fully connected layers and pooling.
extension Kernels {
  /// Computes some outputs of a fully connected layer straight from `[N, K]` weights.
  package func fullyConnected(_ job: FullyConnectedJob) {
    switch instructionSet {
    case .baseline: PrismKernelsBaseline.FullyConnected.run(job)
    #if arch(x86_64)
      case .avx2: PrismKernelsAVX2.FullyConnected.run(job)
      case .avx512: PrismKernelsAVX512.FullyConnected.run(job)
    #else
      case .avx2, .avx512: PrismKernelsBaseline.FullyConnected.run(job)
    #endif
    }
  }

  /// Computes output rows of a maximum pooling; the weights of the job are not read.
  package func maximumPool(_ job: ConvolutionJob) {
    switch instructionSet {
    case .baseline: PrismKernelsBaseline.Pooling.maximumPool(job)
    #if arch(x86_64)
      case .avx2: PrismKernelsAVX2.Pooling.maximumPool(job)
      case .avx512: PrismKernelsAVX512.Pooling.maximumPool(job)
    #else
      case .avx2, .avx512: PrismKernelsBaseline.Pooling.maximumPool(job)
    #endif
    }
  }

  /// Computes output rows of an average pooling; the weights of the job are not read.
  package func averagePool(_ job: ConvolutionJob, countsPadding: Bool) {
    switch instructionSet {
    case .baseline: PrismKernelsBaseline.Pooling.averagePool(job, countsPadding: countsPadding)
    #if arch(x86_64)
      case .avx2: PrismKernelsAVX2.Pooling.averagePool(job, countsPadding: countsPadding)
      case .avx512: PrismKernelsAVX512.Pooling.averagePool(job, countsPadding: countsPadding)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Pooling.averagePool(job, countsPadding: countsPadding)
    #endif
    }
  }

  /// Computes the mean of each channel over all pixels, `[C]`.
  package func globalAverage(
    _ input: UnsafePointer<Float>, inputStride: Int, pixels: Int, channelStart: Int,
    channelEnd: Int, output: UnsafeMutablePointer<Float>
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Pooling.globalAverage(
        input, inputStride: inputStride, pixels: pixels, channelStart: channelStart,
        channelEnd: channelEnd, output: output)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Pooling.globalAverage(
          input, inputStride: inputStride, pixels: pixels, channelStart: channelStart,
          channelEnd: channelEnd, output: output)
      case .avx512:
        PrismKernelsAVX512.Pooling.globalAverage(
          input, inputStride: inputStride, pixels: pixels, channelStart: channelStart,
          channelEnd: channelEnd, output: output)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Pooling.globalAverage(
          input, inputStride: inputStride, pixels: pixels, channelStart: channelStart,
          channelEnd: channelEnd, output: output)
    #endif
    }
  }
}

// Elementwise passes.
extension Kernels {
  /// Applies an epilogue to rows: a sum with another tensor, a clamp, SiLU, sigmoid.
  package func finish(
    _ input: UnsafePointer<Float>, stride: Int, into output: UnsafeMutablePointer<Float>,
    outputStride: Int, rows: Int, channels: Int, epilogue: Epilogue
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Elementwise.finish(
        input, stride: stride, into: output, outputStride: outputStride, rows: rows,
        channels: channels, epilogue: epilogue)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Elementwise.finish(
          input, stride: stride, into: output, outputStride: outputStride, rows: rows,
          channels: channels, epilogue: epilogue)
      case .avx512:
        PrismKernelsAVX512.Elementwise.finish(
          input, stride: stride, into: output, outputStride: outputStride, rows: rows,
          channels: channels, epilogue: epilogue)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Elementwise.finish(
          input, stride: stride, into: output, outputStride: outputStride, rows: rows,
          channels: channels, epilogue: epilogue)
    #endif
    }
  }

  /// Applies a prologue to rows: scale, shift, ReLU by channel.
  package func scaleShift(
    _ input: UnsafePointer<Float>, stride: Int, into output: UnsafeMutablePointer<Float>,
    outputStride: Int, rows: Int, channels: Int, prologue: Prologue
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Elementwise.scaleShift(
        input, stride: stride, into: output, outputStride: outputStride, rows: rows,
        channels: channels, prologue: prologue)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Elementwise.scaleShift(
          input, stride: stride, into: output, outputStride: outputStride, rows: rows,
          channels: channels, prologue: prologue)
      case .avx512:
        PrismKernelsAVX512.Elementwise.scaleShift(
          input, stride: stride, into: output, outputStride: outputStride, rows: rows,
          channels: channels, prologue: prologue)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Elementwise.scaleShift(
          input, stride: stride, into: output, outputStride: outputStride, rows: rows,
          channels: channels, prologue: prologue)
    #endif
    }
  }

  /// Multiplies rows element by element.
  package func multiply(
    _ input: UnsafePointer<Float>, stride: Int, by other: UnsafePointer<Float>, otherStride: Int,
    into output: UnsafeMutablePointer<Float>, outputStride: Int, rows: Int, channels: Int
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Elementwise.multiply(
        input, stride: stride, by: other, otherStride: otherStride, into: output,
        outputStride: outputStride, rows: rows, channels: channels)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Elementwise.multiply(
          input, stride: stride, by: other, otherStride: otherStride, into: output,
          outputStride: outputStride, rows: rows, channels: channels)
      case .avx512:
        PrismKernelsAVX512.Elementwise.multiply(
          input, stride: stride, by: other, otherStride: otherStride, into: output,
          outputStride: outputStride, rows: rows, channels: channels)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Elementwise.multiply(
          input, stride: stride, by: other, otherStride: otherStride, into: output,
          outputStride: outputStride, rows: rows, channels: channels)
    #endif
    }
  }

  /// Writes the softmax of one row.
  package func softmax(
    _ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>, channels: Int
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Elementwise.softmax(input, into: output, channels: channels)
    #if arch(x86_64)
      case .avx2: PrismKernelsAVX2.Elementwise.softmax(input, into: output, channels: channels)
      case .avx512: PrismKernelsAVX512.Elementwise.softmax(input, into: output, channels: channels)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Elementwise.softmax(input, into: output, channels: channels)
    #endif
    }
  }
}
