public import PrismTensor

/// A convolution of an image with a weight `[O, I, kH, kW]` and, optionally, a bias `[O]`.
public protocol ConvolutionPrimitive: Primitive {
  /// The sliding window.
  var window: SlidingWindow { get }

  /// What the weight lacks to fit an image, in words; `nil` where it fits.
  func misfit(of weight: Shape, on image: Shape) -> String?
}

extension ConvolutionPrimitive {
  /// A convolution is linear in the image.
  public var nature: Nature { .linear }

  /// Every output position depends on its window.
  public var reach: Reach { window.isPointwise ? .pointwise : .window(window) }

  /// `[N, H′, W′, O]`.
  ///
  /// - Throws: ``ShapeError`` where the weight, the bias or the window does not fit the image.
  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(2...3, inputs)
    try expect(rank: 4, ofInput: 0, inputs)
    try expect(rank: 4, ofInput: 1, inputs)
    let weight = inputs[1]
    if let misfit = misfit(of: weight, on: inputs[0]) { throw ShapeError(name, inputs, misfit) }
    guard weight[2] == window.vertical.kernel, weight[3] == window.horizontal.kernel else {
      throw ShapeError(name, inputs, "the weight's kernel is not the window's")
    }
    if inputs.count == 3, inputs[2] != [weight[0]] {
      throw ShapeError(name, inputs, "the bias needs one number an output channel")
    }
    guard let shape = window.outputShape(inputs[0], channels: weight[0]) else {
      throw ShapeError(name, inputs, "the image is smaller than the kernel")
    }
    return shape
  }
}

extension Value {
  /// Records a convolution with this value as the image.
  ///
  /// - Parameters:
  ///   - name: The operation's name, for errors.
  ///   - weight: `[O, I, kH, kW]`.
  ///   - bias: `[O]`, or `nil` for none.
  ///   - stride: The distance between windows, along both axes.
  ///   - padding: What surrounds the image.
  ///   - dilation: The distance between taps, along both axes.
  ///   - convolution: Makes the operation for a window.
  /// - Returns: `[N, H′, W′, O]`.
  func convolving(
    _ name: String, _ weight: Value, bias: Value?, stride: Int, padding: Padding, dilation: Int,
    _ convolution: (SlidingWindow) -> some ConvolutionPrimitive
  ) -> Value {
    guard shape.rank == 4, weight.shape.rank == 4 else {
      return failing(ShapeError(name, [shape, weight.shape], "both must have rank 4"))
    }
    let window = padding.window(
      kernel: (weight.shape[2], weight.shape[3]), stride: (stride, stride),
      dilation: (dilation, dilation), height: shape[1], width: shape[2])
    return applying(convolution(window), [weight] + (bias.map { [$0] } ?? []))
  }
}
