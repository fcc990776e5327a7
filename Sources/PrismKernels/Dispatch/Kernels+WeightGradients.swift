// One jump from the facade to the variant.

package import PrismKernelsBaseline

#if arch(x86_64)
  import PrismKernelsAVX2
  import PrismKernelsAVX512
#endif

extension Kernels {
  /// Adds the gradient by the weights of a convolution without groups.
  package func weightGradient(_ job: WeightGradientJob) {
    switch instructionSet {
    case .baseline: PrismKernelsBaseline.WeightGradients.convolution(job)
    #if arch(x86_64)
      case .avx2: PrismKernelsAVX2.WeightGradients.convolution(job)
      case .avx512: PrismKernelsAVX512.WeightGradients.convolution(job)
    #else
      case .avx2, .avx512: PrismKernelsBaseline.WeightGradients.convolution(job)
    #endif
    }
  }

  /// Adds the gradient by the weights of a depthwise convolution, `[kH, kW, C]` with as many floats
  /// a tap as ``WeightGradientLayout`` says.
  package func depthwiseWeightGradient(_ job: WeightGradientJob) {
    switch instructionSet {
    case .baseline: PrismKernelsBaseline.WeightGradients.depthwise(job)
    #if arch(x86_64)
      case .avx2: PrismKernelsAVX2.WeightGradients.depthwise(job)
      case .avx512: PrismKernelsAVX512.WeightGradients.depthwise(job)
    #else
      case .avx2, .avx512: PrismKernelsBaseline.WeightGradients.depthwise(job)
    #endif
    }
  }

  /// Adds the sum over all pixels of every channel.
  package func addChannels(
    _ cotangent: UnsafePointer<Float>, stride: Int, pixels: Int, channels: Int,
    into sums: UnsafeMutablePointer<Float>
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.WeightGradients.channels(
        cotangent, stride: stride, pixels: pixels, channels: channels, into: sums)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.WeightGradients.channels(
          cotangent, stride: stride, pixels: pixels, channels: channels, into: sums)
      case .avx512:
        PrismKernelsAVX512.WeightGradients.channels(
          cotangent, stride: stride, pixels: pixels, channels: channels, into: sums)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.WeightGradients.channels(
          cotangent, stride: stride, pixels: pixels, channels: channels, into: sums)
    #endif
    }
  }

  /// Adds the gradients by scale and offset of a batch normalisation with stored statistics.
  package func normalizationGradient(_ job: NormalizationGradientJob) {
    switch instructionSet {
    case .baseline: PrismKernelsBaseline.WeightGradients.normalization(job)
    #if arch(x86_64)
      case .avx2: PrismKernelsAVX2.WeightGradients.normalization(job)
      case .avx512: PrismKernelsAVX512.WeightGradients.normalization(job)
    #else
      case .avx2, .avx512: PrismKernelsBaseline.WeightGradients.normalization(job)
    #endif
    }
  }
}
