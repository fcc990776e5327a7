internal import PrismKernels

/// A kind of step that computes tiles of its output: the rounding of all pixels of a tile depends on
/// every pixel under the tile.
protocol TiledStepKind: StepKind {
  /// The sizes of the convolution.
  var shape: ConvolutionShape { get }

  /// The side of a tile.
  var m: Int { get }
}

extension TiledStepKind {
  /// The tiles that meet a region: their numbers, and the columns of tiles among which they are
  /// counted.
  func tiles(over region: Region) -> (numbers: Range<Int>, columns: Range<Int>) {
    func tiles(_ range: Range<Int>) -> Range<Int> {
      range.lowerBound / m..<(range.upperBound + m - 1) / m
    }
    let (rows, columns) = (tiles(region.rows), tiles(region.columns))
    return (rows.lowerBound * columns.count..<rows.upperBound * columns.count, columns)
  }
}

extension ConvolutionShape {
  /// Whether Winograd's algorithm is worth more than the direct sum.
  var suitsWinograd: Bool {
    kernelHeight == 3 && kernelWidth == 3 && strideHeight == 1 && strideWidth == 1
      && inputChannels >= 16 && outputChannels >= 16 && min(outputHeight, outputWidth) >= 4
  }
}
