/// How far a change in the input of an operation spreads over the rows and columns of its output.
public enum Reach: Equatable, Sendable {
  /// Every output position depends on the same position of the inputs only.
  case pointwise
  /// Every output position depends on a window of the first input.
  case window(Window)
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
  /// The output rectangle that a change inside an input rectangle can alter.
  ///
  /// - Parameters:
  ///   - input: The changed rows and columns of the input.
  ///   - height: The rows of the output.
  ///   - width: The columns of the output.
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
