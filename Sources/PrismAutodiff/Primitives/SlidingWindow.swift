public import PrismTensor

/// The geometry of a sliding window: kernel, stride, padding and dilation along both axes.
///
/// Convolutions and pools share it. Padding is stated in rows and columns per side, so that
/// TensorFlow's `same` (which pads more at the end) and torch's symmetric padding are both exact.
public struct SlidingWindow: Hashable, Sendable {
  /// The window along one axis.
  public struct Axis: Hashable, Sendable {
    /// The number of taps.
    public var kernel: Int
    /// The distance between neighbouring windows.
    public var stride: Int
    /// Zeros (or, in a max pool, nothing) before the first element.
    public var before: Int
    /// Zeros (or, in a max pool, nothing) after the last element.
    public var after: Int
    /// The distance between neighbouring taps.
    public var dilation: Int

    /// Makes the window along one axis.
    public init(kernel: Int, stride: Int = 1, before: Int = 0, after: Int = 0, dilation: Int = 1) {
      self.kernel = kernel
      self.stride = stride
      self.before = before
      self.after = after
      self.dilation = dilation
    }

    /// Whether the numbers have a meaning and are small enough to compute with.
    var isSensible: Bool {
      let limit = 1 << 24
      return (1...limit).contains(kernel) && (1...limit).contains(stride)
        && (1...limit).contains(dilation) && (0...limit).contains(before)
        && (0...limit).contains(after)
    }

    /// The number of elements from the first tap to the last.
    public var extent: Int { (kernel - 1) * dilation + 1 }

    /// The number of windows over `count` elements; less than 1 where not even one fits.
    public func outputs(_ count: Int) -> Int {
      let free = count + before + after - extent
      return free < 0 ? 0 : free / stride + 1
    }

    /// The number of taps of one window that lie inside a range of elements, of which the first is
    /// 0 and those of the padding before it are negative.
    func taps(of output: Int, inside elements: Range<Int>) -> Int {
      let start = output * stride - before
      return (0..<kernel).count { elements.contains(start + $0 * dilation) }
    }

    func altered(by input: Range<Int>, count: Int) -> Range<Int> {
      guard !input.isEmpty else { return 0..<0 }
      // Output o reads o·stride − before … + extent − 1.
      let low = input.lowerBound + before - extent + 1
      let first = low <= 0 ? 0 : (low + stride - 1) / stride
      let last = (input.upperBound - 1 + before) / stride
      return min(first, count)..<max(min(first, count), min(last + 1, count))
    }

    func needed(for output: Range<Int>, count: Int) -> Range<Int> {
      guard !output.isEmpty else { return 0..<0 }
      let low = min(max(output.lowerBound * stride - before, 0), count)
      let high = min((output.upperBound - 1) * stride - before + extent, count)
      return low..<max(low, high)
    }
  }

  /// The window along the rows.
  public var vertical: Axis
  /// The window along the columns.
  public var horizontal: Axis

  /// Makes a window from its two axes.
  public init(vertical: Axis, horizontal: Axis) {
    self.vertical = vertical
    self.horizontal = horizontal
  }

  /// The number of taps.
  public var taps: Int { vertical.kernel * horizontal.kernel }

  /// Whether every window over an image of the given size holds at least one pixel that is not
  /// padding.
  func alwaysMeets(height: Int, width: Int) -> Bool {
    [(vertical, height), (horizontal, width)].allSatisfy { axis, count in
      (0..<axis.outputs(count)).allSatisfy { axis.taps(of: $0, inside: 0..<count) > 0 }
    }
  }

  /// Whether the window is one tap that visits every position once.
  public var isPointwise: Bool {
    let one = Axis(kernel: 1)
    return vertical == one && horizontal == one
  }

  /// The output's spatial shape for a channels-last input.
  ///
  /// - Parameters:
  ///   - input: `[N, H, W, C]`.
  ///   - channels: The channels of the output.
  /// - Returns: `[N, H′, W′, channels]`, or `nil` where no window fits or a parameter makes no
  ///   sense.
  public func outputShape(_ input: Shape, channels: Int) -> Shape? {
    guard input.rank == 4, vertical.isSensible, horizontal.isSensible else { return nil }
    let shape = Shape([
      input[0], vertical.outputs(input[1]), horizontal.outputs(input[2]), channels,
    ])
    return shape.isValid ? shape : nil
  }
}
