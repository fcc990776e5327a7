internal import PrismKernels
public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The mean of every window, channel by channel: `[N, H, W, C]` to `[N, H′, W′, C]`.
public struct AveragePool: PoolPrimitive {
  /// The sliding window.
  public let window: SlidingWindow
  /// Whether padding counts as zeros (torch's default) or is left out of the mean (TensorFlow's
  /// rule).
  public let countsPadding: Bool

  /// Makes the operation.
  public init(window: SlidingWindow, countsPadding: Bool) {
    self.window = window
    self.countsPadding = countsPadding
  }

  public var name: String { "averagePool" }

  public var nature: Nature { .linear }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let x = inputs[0]
    let channels = x.shape[3]
    let shape = window.outputShape(x.shape, channels: channels) ?? []
    let geometry = PlainWindow(window, input: x.shape, output: shape)
    let shares = shares(x.shape, shape)
    return Tensor(uninitialized: shape) { y in
      x.withUnsafePointer { x in
        for n in 0..<shape[0] {
          plainSumPool(
            geometry, channels: channels,
            image: x + n * geometry.pixels * channels,
            factors: shares, output: y + n * geometry.outputPixels * channels
          )
        }
      }
    }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let shape = inputs[0].shape
    let channels = shape[3]
    let geometry = PlainWindow(window, input: shape, output: output.shape)
    let shares = shares(shape, output.shape)
    var dx = Tensor(shape)
    dx.withUnsafeMutablePointer { dx in
      cotangent.withUnsafePointer { dy in
        for n in 0..<shape[0] {
          plainSumPoolPullback(
            geometry, channels: channels,
            cotangent: dy + n * geometry.outputPixels * channels,
            factors: shares, imageCotangent: dx + n * geometry.pixels * channels)
        }
      }
    }
    return [dx]
  }

  public var allowsEmptyWindows: Bool { countsPadding }

  /// What every element of a window weighs in its mean, for every output position.
  private func shares(_ input: Shape, _ output: Shape) -> [Float] {
    guard !countsPadding else {
      return [Float](repeating: 1 / Float(window.taps), count: output[1] * output[2])
    }
    let rows = (0..<output[1]).map { window.vertical.taps(of: $0, inside: input[1]) }
    let columns = (0..<output[2]).map { window.horizontal.taps(of: $0, inside: input[2]) }
    return rows.flatMap { row in columns.map { 1 / Float(row * $0) } }
  }
}

extension Value {
  /// Records an average pool of this value, `[N, H, W, C]`.
  ///
  /// - Parameters:
  ///   - kernel: The rows and the columns of the window.
  ///   - stride: The distance between windows; the kernel's size unless given.
  ///   - padding: What surrounds the image.
  ///   - countsPadding: Whether padding counts as zeros or is left out of the mean.
  /// - Returns: `[N, H′, W′, C]`.
  public func averagePool(
    kernel: Int, stride: Int? = nil, padding: Padding = .none, countsPadding: Bool = true
  ) -> Value {
    pooling("averagePool", kernel: kernel, stride: stride, padding: padding) {
      AveragePool(window: $0, countsPadding: countsPadding)
    }
  }
}
