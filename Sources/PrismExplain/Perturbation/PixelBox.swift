/// A box of an image: rows, columns and channels.
public struct PixelBox: Sendable, Equatable, Codable {
  /// The rows.
  public var rows: Range<Int>
  /// The columns.
  public var columns: Range<Int>
  /// The channels; `nil` for all of them.
  public var channels: Range<Int>?

  /// Makes a box.
  public init(rows: Range<Int>, columns: Range<Int>, channels: Range<Int>? = nil) {
    self.rows = rows
    self.columns = columns
    self.channels = channels
  }

  /// A box without pixels.
  static let empty = PixelBox(rows: 0..<0, columns: 0..<0)

  /// Whether the box lies within an image.
  func lies(in image: ExplainedImage) -> Bool {
    func lies(_ range: Range<Int>, _ count: Int) -> Bool {
      range.lowerBound >= 0 && range.upperBound <= count
    }
    return lies(rows, image.height) && lies(columns, image.width)
      && channels.map { lies($0, image.channels) } ?? true
  }
}
