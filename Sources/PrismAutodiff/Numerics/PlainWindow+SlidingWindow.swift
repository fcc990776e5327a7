internal import PrismKernels
internal import PrismTensor

extension PlainWindow {
  /// The numbers of a window between a channels-last input and output.
  init(_ window: SlidingWindow, input: Shape, output: Shape) {
    self.init(
      height: input[1], width: input[2], outputHeight: output[1], outputWidth: output[2],
      kernelHeight: window.vertical.kernel, kernelWidth: window.horizontal.kernel,
      strideY: window.vertical.stride, strideX: window.horizontal.stride,
      dilationY: window.vertical.dilation, dilationX: window.horizontal.dilation,
      top: window.vertical.before, left: window.horizontal.before)
  }

  /// The positions of one input image.
  var pixels: Int { height * width }
  /// The positions of one output image.
  var outputPixels: Int { outputHeight * outputWidth }
}
