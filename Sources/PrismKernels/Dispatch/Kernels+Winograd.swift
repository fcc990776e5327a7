// One jump from the facade to the variant.

package import PrismKernelsBaseline

#if arch(x86_64)
  import PrismKernelsAVX2
  import PrismKernelsAVX512
#endif

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

  /// Transforms and packs `[O, I, 3, 3]` weights for jobs of the same points; panels are those of `pointwisePanels` and can be
  /// divided among threads, all together are `0 ..< Int.max`.
  package func packWinograd(
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, inputChannels: Int,
    outputChannels: Int, m: Int, points: WinogradPoints = .whole, panelStart: Int, panelEnd: Int,
    into packed: UnsafeMutablePointer<Float>
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Winograd.pack(
        weights: weights, bias: bias, inputChannels: inputChannels, outputChannels: outputChannels,
        m: m, points: points, panelStart: panelStart, panelEnd: panelEnd, into: packed)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Winograd.pack(
          weights: weights, bias: bias, inputChannels: inputChannels,
          outputChannels: outputChannels, m: m, points: points, panelStart: panelStart,
          panelEnd: panelEnd, into: packed)
      case .avx512:
        PrismKernelsAVX512.Winograd.pack(
          weights: weights, bias: bias, inputChannels: inputChannels,
          outputChannels: outputChannels, m: m, points: points, panelStart: panelStart,
          panelEnd: panelEnd, into: packed)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Winograd.pack(
          weights: weights, bias: bias, inputChannels: inputChannels,
          outputChannels: outputChannels, m: m, points: points, panelStart: panelStart,
          panelEnd: panelEnd, into: packed)
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

  /// First phase: transforms the input of the job's tiles into the slots from `slot` on of a
  /// buffer.
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

  /// Second phase: the products at the points `pointStart ..< pointEnd` of `(m + 2)²` for some
  /// slots.
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

  /// Third phase: transforms the products of the job's tiles and writes the outputs with the
  /// epilogue.
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
