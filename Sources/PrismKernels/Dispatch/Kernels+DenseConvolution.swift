// One jump from the facade to the variant.

package import PrismKernelsBaseline

#if arch(x86_64)
  import PrismKernelsAVX2
  import PrismKernelsAVX512
#endif

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
