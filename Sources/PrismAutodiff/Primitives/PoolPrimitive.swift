public import PrismTensor

/// A primitive that makes one number of every window, channel by channel: `[N, H, W, C]` to
/// `[N, H′, W′, C]`.
public protocol PoolPrimitive: Primitive {
  /// The sliding window.
  var window: SlidingWindow { get }
  /// Whether a window may hold nothing but padding.
  var allowsEmptyWindows: Bool { get }

  /// What is wrong with the pool's own numbers, in words; `nil` where nothing is.
  func misfit(on image: Shape) -> String?
}

extension PoolPrimitive {
  /// A window needs an element, unless stated.
  public var allowsEmptyWindows: Bool { false }

  /// Nothing, unless stated.
  public func misfit(on image: Shape) -> String? { nil }

  /// Every output position depends on its window.
  public var reach: Reach { .window(window) }

  /// The shape of the pooled image.
  ///
  /// - Throws: ``ShapeError`` unless there is one image that is at least as large as the window.
  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(1...1, inputs)
    try expect(rank: 4, ofInput: 0, inputs)
    if let misfit = misfit(on: inputs[0]) { throw ShapeError(name, inputs, misfit) }
    guard let shape = window.outputShape(inputs[0], channels: inputs[0][3]) else {
      throw ShapeError(name, inputs, "the image is smaller than the kernel")
    }
    guard
      allowsEmptyWindows || window.alwaysMeets(height: inputs[0][1], width: inputs[0][2])
    else { throw ShapeError(name, inputs, "a window holds nothing but padding") }
    return shape
  }

  /// One operation a tap.
  public func flops(_ inputs: [Shape], output: Shape) -> Int { output.count * window.taps }
}

extension Value {
  /// Records a pool over square windows of this value, which must be an image.
  ///
  /// - Parameters:
  ///   - name: The operation's name, for errors.
  ///   - kernel: The rows and the columns of the window.
  ///   - stride: The distance between windows; the kernel's size unless given.
  ///   - padding: What surrounds the image.
  ///   - pool: Makes the operation for a window.
  /// - Returns: `[N, H′, W′, C]`.
  func pooling(
    _ name: String, kernel: Int, stride: Int?, padding: Padding,
    _ pool: (SlidingWindow) -> some PoolPrimitive
  ) -> Value {
    guard shape.rank == 4 else {
      return failing(ShapeError(name, [shape], "the image must have rank 4"))
    }
    let stride = stride ?? kernel
    return applying(
      pool(
        padding.window(
          kernel: (kernel, kernel), stride: (stride, stride), height: shape[1], width: shape[2])))
  }
}
