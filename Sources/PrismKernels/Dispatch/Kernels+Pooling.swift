// One jump from the facade to the variant.

package import PrismKernelsBaseline

#if arch(x86_64)
  import PrismKernelsAVX2
  import PrismKernelsAVX512
#endif

extension Kernels {
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
