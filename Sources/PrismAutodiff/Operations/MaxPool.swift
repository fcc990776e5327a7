internal import PrismKernels
public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The largest element of every window, channel by channel: `[N, H, W, C]` to `[N, H′, W′, C]`.
///
/// Padding never wins. Among equal elements the first of the window in row-major order gets the gradient, as in
/// torch. NaN wins over every number.
public struct MaxPool: Primitive {
  /// The sliding window.
  public let window: Window

  /// Makes the operation.
  public init(window: Window) {
    self.window = window
  }

  public var name: String { "maxPool" }

  public var reach: Reach { .window(window) }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(1...1, inputs)
    try expect(rank: 4, ofInput: 0, inputs)
    guard let shape = window.outputShape(inputs[0], channels: inputs[0][3]) else {
      throw ShapeError(name, inputs, "the image is smaller than the kernel")
    }
    guard window.alwaysMeets(height: inputs[0][1], width: inputs[0][2]) else {
      throw ShapeError(name, inputs, "a window holds nothing but padding")
    }
    return shape
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { output.count * window.taps }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let x = inputs[0]
    let channels = x.shape[3]
    let shape = window.outputShape(x.shape, channels: channels) ?? []
    let geometry = PlainWindow(window, input: x.shape, output: shape)
    return Tensor(uninitialized: shape) { y in
      x.withUnsafePointer { x in
        for n in 0..<shape[0] {
          plainMaxPool(
            geometry, channels: channels,
            image: x + n * geometry.height * geometry.width * channels,
            output: y + n * geometry.outputHeight * geometry.outputWidth * channels)
        }
      }
    }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let x = inputs[0]
    let channels = x.shape[3]
    let geometry = PlainWindow(window, input: x.shape, output: output.shape)
    let imageCount = geometry.height * geometry.width * channels
    let outputCount = geometry.outputHeight * geometry.outputWidth * channels
    var dx = Tensor(x.shape)
    dx.withUnsafeMutablePointer { dx in
      x.withUnsafePointer { x in
        output.withUnsafePointer { y in
          cotangent.withUnsafePointer { dy in
            for n in 0..<inputs[0].shape[0] {
              plainMaxPoolPullback(
                geometry, channels: channels, image: x + n * imageCount,
                output: y + n * outputCount,
                cotangent: dy + n * outputCount, imageCotangent: dx + n * imageCount)
            }
          }
        }
      }
    }
    return [dx]
  }
}

extension Value {
  /// Records a max pool of this value, `[N, H, W, C]`.
  ///
  /// - Parameters:
  ///   - kernel: The rows and the columns of the window.
  ///   - stride: The distance between windows; the kernel's size unless given.
  ///   - padding: What surrounds the image; it never wins.
  /// - Returns: `[N, H′, W′, C]`.
  public func maxPool(kernel: Int, stride: Int? = nil, padding: Padding = .none) -> Value {
    guard shape.rank == 4 else {
      return failing(ShapeError("maxPool", [shape], "the image must have rank 4"))
    }
    let stride = stride ?? kernel
    let window = padding.window(
      kernel: (kernel, kernel), stride: (stride, stride), height: shape[1], width: shape[2])
    return applying(MaxPool(window: window))
  }
}
