// One jump from the facade to the variant.

package import PrismKernelsBaseline

#if arch(x86_64)
  import PrismKernelsAVX2
  import PrismKernelsAVX512
#endif

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
