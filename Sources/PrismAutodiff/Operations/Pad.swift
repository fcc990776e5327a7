public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// Zeros around an image: `[N, H, W, C]` to `[N, top + H + bottom, left + W + right, C]`.
public struct Pad: Primitive {
  /// The rows of zeros above the image.
  public let top: Int
  /// The columns of zeros left of the image.
  public let left: Int
  /// The rows of zeros below the image.
  public let bottom: Int
  /// The columns of zeros right of the image.
  public let right: Int

  /// Makes the operation.
  public init(top: Int = 0, left: Int = 0, bottom: Int = 0, right: Int = 0) {
    self.top = top
    self.left = left
    self.bottom = bottom
    self.right = right
  }

  public var name: String { "pad" }

  public var nature: Nature { .rearrangement }

  public var reach: Reach { .window(window) }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(1...1, inputs)
    try expect(rank: 4, ofInput: 0, inputs)
    guard let shape = window.outputShape(inputs[0], channels: inputs[0][3]) else {
      throw ShapeError(name, inputs, "padding cannot be negative")
    }
    return shape
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { 0 }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let x = inputs[0]
    let shape = window.outputShape(x.shape, channels: x.shape[3]) ?? []
    var y = Tensor(shape)
    y.withUnsafeMutablePointer { y in
      x.withUnsafePointer { x in
        forEachRow(inputs[0].shape, shape) { (y + $1).update(from: x + $0, count: $2) }
      }
    }
    return y
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let shape = inputs[0].shape
    let dx = Tensor(uninitialized: shape) { dx in
      cotangent.withUnsafePointer { dy in
        forEachRow(shape, output.shape) { (dx + $0).update(from: dy + $1, count: $2) }
      }
    }
    return [dx]
  }

  /// Padding as a window of one tap.
  private var window: SlidingWindow {
    SlidingWindow(
      vertical: SlidingWindow.Axis(kernel: 1, before: top, after: bottom),
      horizontal: SlidingWindow.Axis(kernel: 1, before: left, after: right))
  }

  /// Calls a closure with the offsets of every image row in the input and in the output, and its
  /// length.
  private func forEachRow(_ input: Shape, _ output: Shape, _ body: (Int, Int, Int) -> Void) {
    let length = input[2] * input[3]
    for n in 0..<input[0] {
      for row in 0..<input[1] {
        let target = ((n * output[1] + top + row) * output[2] + left) * output[3]
        body((n * input[1] + row) * length, target, length)
      }
    }
  }
}

extension Value {
  /// Records zeros around an image, `[N, H, W, C]`.
  public func padded(top: Int = 0, left: Int = 0, bottom: Int = 0, right: Int = 0) -> Value {
    applying(Pad(top: top, left: left, bottom: bottom, right: right))
  }
}
