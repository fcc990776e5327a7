// One jump from the facade to the variant.

package import PrismKernelsBaseline

#if arch(x86_64)
  import PrismKernelsAVX2
  import PrismKernelsAVX512
#endif

extension Kernels {
  /// Resizes some rows of a picture along them.
  package func resampleAlongRows(
    _ job: ResamplingJob, from first: Int, to end: Int, scratch: UnsafeMutablePointer<UInt32>
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Resampling.alongRows(job, from: first, to: end, scratch: scratch)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Resampling.alongRows(job, from: first, to: end, scratch: scratch)
      case .avx512:
        PrismKernelsAVX512.Resampling.alongRows(job, from: first, to: end, scratch: scratch)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Resampling.alongRows(job, from: first, to: end, scratch: scratch)
    #endif
    }
  }

  /// Computes some rows of a picture that is resized along its columns.
  package func resampleAlongColumns(_ job: ResamplingJob, from first: Int, to end: Int) {
    switch instructionSet {
    case .baseline: PrismKernelsBaseline.Resampling.alongColumns(job, from: first, to: end)
    #if arch(x86_64)
      case .avx2: PrismKernelsAVX2.Resampling.alongColumns(job, from: first, to: end)
      case .avx512: PrismKernelsAVX512.Resampling.alongColumns(job, from: first, to: end)
    #else
      case .avx2, .avx512: PrismKernelsBaseline.Resampling.alongColumns(job, from: first, to: end)
    #endif
    }
  }
}
