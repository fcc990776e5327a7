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

  /// Packs weights and bias of a pointwise product: the weight of input `k` for output `n` is at
  /// `k * inputStep + n * outputStep`; a missing bias is zero. `packed` is 64-byte aligned for full speed.
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
