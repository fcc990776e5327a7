internal import PrismKernels

extension ConvolutionShape {
  /// The floating-point operations of a convolution that is not depthwise, by definition.
  var flops: Int {
    2 * outputHeight * outputWidth * inputChannels * outputChannels * kernelHeight * kernelWidth
  }

  /// Into how many parts the rows of the output can be divided; 1 where that is not worth it.
  var rowDivisions: Int {
    outputHeight * outputWidth * outputChannels < 1 << 12 ? 1 : outputHeight
  }
}

extension ConvolutionJob {
  /// The output rows, or the tiles of Winograd, that are computed.
  var rows: Range<Int> {
    get { rowStart..<rowEnd }
    set { (rowStart, rowEnd) = (newValue.lowerBound, newValue.upperBound) }
  }

  /// The output columns, or the columns of Winograd's tiles, that are computed.
  var columns: Range<Int> {
    get { columnStart..<columnEnd }
    set { (columnStart, columnEnd) = (newValue.lowerBound, newValue.upperBound) }
  }

  /// The channels that are computed; not of all kernels.
  var channels: Range<Int> {
    get { channelStart..<channelEnd }
    set { (channelStart, channelEnd) = (newValue.lowerBound, newValue.upperBound) }
  }
}

extension PointwiseJob {
  /// The pixels that are computed.
  var rows: Range<Int> {
    get { rowStart..<rowEnd }
    set { (rowStart, rowEnd) = (newValue.lowerBound, newValue.upperBound) }
  }

  /// The panels of output channels that are computed.
  var panels: Range<Int> {
    get { panelStart..<panelEnd }
    set { (panelStart, panelEnd) = (newValue.lowerBound, newValue.upperBound) }
  }
}
