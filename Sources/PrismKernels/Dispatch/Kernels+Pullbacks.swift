// One jump from the facade to the variant.

package import PrismKernelsBaseline

#if arch(x86_64)
  import PrismKernelsAVX2
  import PrismKernelsAVX512
#endif

extension Kernels {
  /// Adds a row of products to a row of an image; `length` is a multiple of ``vectorWidth``.
  package func scatter(
    _ products: UnsafePointer<Float>, stride: Int, pixels: Int, length: Int,
    into row: UnsafeMutablePointer<Float>, step: Int
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Pullbacks.scatter(
        products, stride: stride, pixels: pixels, length: length, into: row, step: step)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Pullbacks.scatter(
          products, stride: stride, pixels: pixels, length: length, into: row, step: step)
      case .avx512:
        PrismKernelsAVX512.Pullbacks.scatter(
          products, stride: stride, pixels: pixels, length: length, into: row, step: step)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Pullbacks.scatter(
          products, stride: stride, pixels: pixels, length: length, into: row, step: step)
    #endif
    }
  }

  /// Computes the cotangents of rows of the image of a depthwise convolution with equal strides.
  package func depthwisePullback(_ job: ConvolutionJob) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Pullbacks.depthwise(
        job)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Pullbacks.depthwise(
          job)
      case .avx512:
        PrismKernelsAVX512.Pullbacks.depthwise(
          job)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Pullbacks.depthwise(
          job)
    #endif
    }
  }

  /// Computes cotangents of the inputs of a fully connected layer with a number of outputs.
  package func fullyConnectedPullback(_ job: FullyConnectedJob, outputs: Int) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Pullbacks.fullyConnected(
        job, outputs: outputs)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Pullbacks.fullyConnected(
          job, outputs: outputs)
      case .avx512:
        PrismKernelsAVX512.Pullbacks.fullyConnected(
          job, outputs: outputs)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Pullbacks.fullyConnected(
          job, outputs: outputs)
    #endif
    }
  }

  /// Computes the cotangents of the image of a maximum pooling, for some channels.
  package func maximumPoolPullback(
    _ job: ConvolutionJob, image: UnsafePointer<Float>, imageStride: Int,
    largest: UnsafePointer<Float>, largestStride: Int
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Pullbacks.maximumPool(
        job, image: image, imageStride: imageStride, largest: largest,
        largestStride: largestStride)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Pullbacks.maximumPool(
          job, image: image, imageStride: imageStride, largest: largest,
          largestStride: largestStride)
      case .avx512:
        PrismKernelsAVX512.Pullbacks.maximumPool(
          job, image: image, imageStride: imageStride, largest: largest,
          largestStride: largestStride)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Pullbacks.maximumPool(
          job, image: image, imageStride: imageStride, largest: largest,
          largestStride: largestStride)
    #endif
    }
  }

  /// Computes the cotangents of the image of an average pooling, for some channels.
  package func averagePoolPullback(_ job: ConvolutionJob, countsPadding: Bool) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Pullbacks.averagePool(
        job, countsPadding: countsPadding)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Pullbacks.averagePool(
          job, countsPadding: countsPadding)
      case .avx512:
        PrismKernelsAVX512.Pullbacks.averagePool(
          job, countsPadding: countsPadding)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Pullbacks.averagePool(
          job, countsPadding: countsPadding)
    #endif
    }
  }

  /// Computes the sums over all pixels of the products of two images, for some channels.
  package func channelProducts(
    _ a: UnsafePointer<Float>, stride: Int, _ b: UnsafePointer<Float>, otherStride: Int,
    pixels: Int, channelStart: Int, channelEnd: Int, output: UnsafeMutablePointer<Float>
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Pullbacks.channelProducts(
        a, stride: stride, b, otherStride: otherStride, pixels: pixels, channelStart: channelStart,
        channelEnd: channelEnd, output: output)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Pullbacks.channelProducts(
          a, stride: stride, b, otherStride: otherStride, pixels: pixels,
          channelStart: channelStart,
          channelEnd: channelEnd, output: output)
      case .avx512:
        PrismKernelsAVX512.Pullbacks.channelProducts(
          a, stride: stride, b, otherStride: otherStride, pixels: pixels,
          channelStart: channelStart,
          channelEnd: channelEnd, output: output)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Pullbacks.channelProducts(
          a, stride: stride, b, otherStride: otherStride, pixels: pixels,
          channelStart: channelStart,
          channelEnd: channelEnd, output: output)
    #endif
    }
  }

  /// Writes one row, times a factor, to every row.
  package func spread(
    _ input: UnsafePointer<Float>, factor: Float, into output: UnsafeMutablePointer<Float>,
    outputStride: Int, rows: Int, channels: Int
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Pullbacks.spread(
        input, factor: factor, into: output, outputStride: outputStride, rows: rows,
        channels: channels)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Pullbacks.spread(
          input, factor: factor, into: output, outputStride: outputStride, rows: rows,
          channels: channels)
      case .avx512:
        PrismKernelsAVX512.Pullbacks.spread(
          input, factor: factor, into: output, outputStride: outputStride, rows: rows,
          channels: channels)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Pullbacks.spread(
          input, factor: factor, into: output, outputStride: outputStride, rows: rows,
          channels: channels)
    #endif
    }
  }
}
