// One jump from the facade to the variant.

package import PrismKernelsBaseline

#if arch(x86_64)
  import PrismKernelsAVX2
  import PrismKernelsAVX512
#endif

extension Kernels {
  /// Returns the floats that `packGroupedWinograd` writes for all groups of some channels.
  package func groupedWinogradPackedSize(
    groups: Int, inputChannels: Int, outputChannels: Int, m: Int
  ) -> Int {
    switch instructionSet {
    case .baseline:
      return PrismKernelsBaseline.GroupedWinograd.packedSize(
        groups: groups, inputChannels: inputChannels, outputChannels: outputChannels, m: m)
    #if arch(x86_64)
      case .avx2:
        return PrismKernelsAVX2.GroupedWinograd.packedSize(
          groups: groups, inputChannels: inputChannels, outputChannels: outputChannels, m: m)
      case .avx512:
        return PrismKernelsAVX512.GroupedWinograd.packedSize(
          groups: groups, inputChannels: inputChannels, outputChannels: outputChannels, m: m)
    #else
      case .avx2, .avx512:
        return PrismKernelsBaseline.GroupedWinograd.packedSize(
          groups: groups, inputChannels: inputChannels, outputChannels: outputChannels, m: m)
    #endif
    }
  }

  /// Transforms and packs the `[O, I, 3, 3]` weights and the bias of one group for jobs of the same
  /// points.
  package func packGroupedWinograd(
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, group: Int, groups: Int,
    inputChannels: Int, outputChannels: Int, m: Int, points: WinogradPoints = .whole,
    into packed: UnsafeMutablePointer<Float>
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.GroupedWinograd.pack(
        weights: weights, bias: bias, group: group, groups: groups, inputChannels: inputChannels,
        outputChannels: outputChannels, m: m, points: points, into: packed)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.GroupedWinograd.pack(
          weights: weights, bias: bias, group: group, groups: groups,
          inputChannels: inputChannels, outputChannels: outputChannels, m: m, points: points,
          into: packed)
      case .avx512:
        PrismKernelsAVX512.GroupedWinograd.pack(
          weights: weights, bias: bias, group: group, groups: groups,
          inputChannels: inputChannels, outputChannels: outputChannels, m: m, points: points,
          into: packed)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.GroupedWinograd.pack(
          weights: weights, bias: bias, group: group, groups: groups,
          inputChannels: inputChannels, outputChannels: outputChannels, m: m, points: points,
          into: packed)
    #endif
    }
  }

  /// Returns the floats of scratch that one thread needs for `groupedWinograd`.
  package func groupedWinogradScratchSize(
    _ shape: ConvolutionShape, groups: Int, m: Int
  ) -> Int {
    switch instructionSet {
    case .baseline:
      return PrismKernelsBaseline.GroupedWinograd.scratchSize(shape, groups: groups, m: m)
    #if arch(x86_64)
      case .avx2: return PrismKernelsAVX2.GroupedWinograd.scratchSize(shape, groups: groups, m: m)
      case .avx512:
        return PrismKernelsAVX512.GroupedWinograd.scratchSize(shape, groups: groups, m: m)
    #else
      case .avx2, .avx512:
        return PrismKernelsBaseline.GroupedWinograd.scratchSize(shape, groups: groups, m: m)
    #endif
    }
  }

  /// Computes the tiles `rowStart ..< rowEnd` of a job in the groups of its channels, all phases.
  package func groupedWinograd(_ job: ConvolutionJob, groups: Int, m: Int) {
    switch instructionSet {
    case .baseline: PrismKernelsBaseline.GroupedWinograd.run(job, groups: groups, m: m)
    #if arch(x86_64)
      case .avx2: PrismKernelsAVX2.GroupedWinograd.run(job, groups: groups, m: m)
      case .avx512: PrismKernelsAVX512.GroupedWinograd.run(job, groups: groups, m: m)
    #else
      case .avx2, .avx512: PrismKernelsBaseline.GroupedWinograd.run(job, groups: groups, m: m)
    #endif
    }
  }
}
