// One jump from the facade to the variant.

package import PrismKernelsBaseline

#if arch(x86_64)
  import PrismKernelsAVX2
  import PrismKernelsAVX512
#endif

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
}
