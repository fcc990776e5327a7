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
  /// The rows at the lower end of the padding, and the columns at its right end, that never count:
  /// those that torch's ceil mode adds.
  public let uncounted: Uncounted

  /// Rows and columns at the end of the padding.
  public struct Uncounted: Hashable, Sendable {
    /// The rows at the lower end.
    public let bottom: Int
    /// The columns at the right end.
    public let right: Int

    /// Makes a pair of numbers.
    public init(bottom: Int = 0, right: Int = 0) {
      self.bottom = bottom
      self.right = right
    }
  }

  /// Makes the operation.
  public init(window: SlidingWindow, countsPadding: Bool, uncounted: Uncounted = Uncounted()) {
    self.window = window
    self.countsPadding = countsPadding
    self.uncounted = uncounted
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

  public func misfit(on image: Shape) -> String? {
    (0...window.vertical.after).contains(uncounted.bottom)
      && (0...window.horizontal.after).contains(uncounted.right)
      ? nil : "more rows or columns are left out than there are of padding"
  }

  /// What every element of a window weighs in its mean, for every output position.
  private func shares(_ input: Shape, _ output: Shape) -> [Float] {
    let rows = counts(window.vertical, input[1], output[1], uncounted: uncounted.bottom)
    let columns = counts(window.horizontal, input[2], output[2], uncounted: uncounted.right)
    return rows.flatMap { row in columns.map { 1 / Float(row * $0) } }
  }

  /// The taps of every window along an axis that count; at least one.
  private func counts(
    _ axis: SlidingWindow.Axis, _ extent: Int, _ outputs: Int, uncounted: Int
  ) -> [Int] {
    let counted = countsPadding ? -axis.before..<extent + axis.after - uncounted : 0..<extent
    return (0..<outputs).map { max(1, axis.taps(of: $0, inside: counted)) }
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
