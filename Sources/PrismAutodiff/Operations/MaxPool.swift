internal import PrismKernels
public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The largest element of every window, channel by channel: `[N, H, W, C]` to `[N, H′, W′, C]`.
///
/// Padding never wins. Among equal elements the first of the window in row-major order gets the
/// gradient, as in torch. NaN wins over every number.
public struct MaxPool: PoolPrimitive {
  /// The sliding window.
  public let window: SlidingWindow

  /// Makes the operation.
  public init(window: SlidingWindow) {
    self.window = window
  }

  public var name: String { "maxPool" }

  public var nature: Nature { .selection }

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
            image: x + n * geometry.pixels * channels,
            output: y + n * geometry.outputPixels * channels)
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
    let imageCount = geometry.pixels * channels
    let outputCount = geometry.outputPixels * channels
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
    pooling("maxPool", kernel: kernel, stride: stride, padding: padding) {
      MaxPool(window: $0)
    }
  }
}
