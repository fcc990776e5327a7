public import PrismTensor

/// How far a change in the input of an operation spreads over the rows and columns of its output.
public enum Reach: Equatable, Sendable {
  /// Every output position depends on the same position of the inputs only.
  ///
  /// An input with one row (or column) under an output with more is broadcast: it counts for all of
  /// them.
  case pointwise
  /// Every output position depends on a window of the first input.
  case window(SlidingWindow)
  /// Every output element may depend on every input element.
  case everywhere
}

/// A half-open rectangle of rows and columns.
public struct Rectangle: Hashable, Sendable {
  /// The rows, from the top.
  public var rows: Range<Int>
  /// The columns, from the left.
  public var columns: Range<Int>

  /// Makes a rectangle from its rows and columns.
  public init(rows: Range<Int>, columns: Range<Int>) {
    self.rows = rows
    self.columns = columns
  }
}

extension Reach {
  /// The output rectangle that a change inside a rectangle of one input can alter.
  ///
  /// - Parameters:
  ///   - rectangle: The changed rows and columns of the input.
  ///   - input: The input's shape; where it is no image, or is broadcast over the output, all of it
  ///     counts.
  ///   - output: The output's shape, `[N, H, W, C]`.
  /// - Returns: As ``altered(by:height:width:)``.
  public func altered(by rectangle: Rectangle, of input: Shape, in output: Shape) -> Rectangle {
    var result = altered(by: rectangle, height: output[1], width: output[2])
    guard self == .pointwise else { return result }
    if input.rank < 4 || input[1] != output[1] { result.rows = 0..<output[1] }
    if input.rank < 4 || input[2] != output[2] { result.columns = 0..<output[2] }
    return result
  }

  /// The output rectangle that a change inside an input rectangle can alter.
  ///
  /// - Parameters:
  ///   - input: The changed rows and columns of the input.
  ///   - height: The rows of the output.
  ///   - width: The columns of the output.
  /// - Returns: The smallest such rectangle where taps are not dilated; else possibly a larger one.
  public func altered(by input: Rectangle, height: Int, width: Int) -> Rectangle {
    switch self {
    case .pointwise: input
    case .everywhere: Rectangle(rows: 0..<height, columns: 0..<width)
    case .window(let window):
      Rectangle(
        rows: window.vertical.altered(by: input.rows, count: height),
        columns: window.horizontal.altered(by: input.columns, count: width))
    }
  }

  /// The input rectangle from which an output rectangle can be computed.
  ///
  /// - Parameters:
  ///   - output: The wanted rows and columns of the output.
  ///   - height: The rows of the input.
  ///   - width: The columns of the input.
  /// - Returns: The smallest such rectangle where windows overlap or touch and taps are not
  ///   dilated; else possibly a larger one.
  public func needed(for output: Rectangle, height: Int, width: Int) -> Rectangle {
    switch self {
    case .pointwise: output
    case .everywhere: Rectangle(rows: 0..<height, columns: 0..<width)
    case .window(let window):
      Rectangle(
        rows: window.vertical.needed(for: output.rows, count: height),
        columns: window.horizontal.needed(for: output.columns, count: width))
    }
  }
}
