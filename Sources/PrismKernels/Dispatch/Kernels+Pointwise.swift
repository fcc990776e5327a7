// One jump from the facade to the variant.

package import PrismKernelsBaseline

#if arch(x86_64)
  import PrismKernelsAVX2
  import PrismKernelsAVX512
#endif

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
  /// The weight of input `k` for output `n` is at `k * inputStep + n * outputStep`; a missing bias
  /// is zero. Packed weights belong on a 64-byte boundary for full speed.
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

  /// Returns the floats of scratch a thread needs for a pointwise job: zero unless there is a
  /// prologue, the rows of the input are a multiple of 4 KiB apart or there are many channels.
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
