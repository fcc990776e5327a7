/// How a layer pads its input, before the input's size is known.
public enum Padding: Hashable, Sendable {
  /// The same number of rows and columns on every side, as torch pads.
  case symmetric(Int)
  /// TensorFlow's `same`: the output has ⌈size / stride⌉ elements and the odd zero goes to the end.
  case same
  /// Stated sides.
  case explicit(top: Int, left: Int, bottom: Int, right: Int)

  /// No padding, TensorFlow's `valid`.
  public static let none = Padding.symmetric(0)

  /// The window over an input of the given size.
  public func window(
    kernel: (Int, Int), stride: (Int, Int), dilation: (Int, Int) = (1, 1), height: Int, width: Int
  ) -> SlidingWindow {
    var vertical = SlidingWindow.Axis(kernel: kernel.0, stride: stride.0, dilation: dilation.0)
    var horizontal = SlidingWindow.Axis(kernel: kernel.1, stride: stride.1, dilation: dilation.1)
    switch self {
    case .symmetric(let width):
      (vertical.before, vertical.after) = (width, width)
      (horizontal.before, horizontal.after) = (width, width)
    case .same:
      (vertical.before, vertical.after) = Self.same(vertical, height)
      (horizontal.before, horizontal.after) = Self.same(horizontal, width)
    case .explicit(let top, let left, let bottom, let right):
      (vertical.before, vertical.after) = (top, bottom)
      (horizontal.before, horizontal.after) = (left, right)
    }
    return SlidingWindow(vertical: vertical, horizontal: horizontal)
  }

  private static func same(_ axis: SlidingWindow.Axis, _ count: Int) -> (Int, Int) {
    // The shape rule refuses such a window later.
    guard axis.isSensible else { return (0, 0) }
    let outputs = (count + axis.stride - 1) / axis.stride
    let total = max((outputs - 1) * axis.stride + axis.extent - count, 0)
    return (total / 2, total - total / 2)
  }
}
