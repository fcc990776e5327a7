/// A rectangle of a picture, in shares of its extents: where a network looks, or where something is
/// drawn.
public struct PictureArea: Sendable, Equatable, Codable {
  /// The left edge, from 0 to 1.
  public var x: Double
  /// The upper edge, from 0 to 1.
  public var y: Double
  /// The width, from 0 to 1.
  public var width: Double
  /// The height, from 0 to 1.
  public var height: Double

  /// The whole picture.
  public static let whole = PictureArea(x: 0, y: 0, width: 1, height: 1)

  /// Makes a rectangle.
  public init(x: Double, y: Double, width: Double, height: Double) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }

  /// The smallest rectangle of whole pixels that holds the area, at least one.
  ///
  /// - Parameters:
  ///   - width: The picture's columns.
  ///   - height: The picture's rows.
  /// - Returns: Columns and rows of the picture.
  public func box(width: Int, height: Int) -> PictureBox {
    let (columns, rows) = (
      Self.outer(x, self.width, width), Self.outer(y, self.height, height)
    )
    return PictureBox(
      x: columns.lowerBound, y: rows.lowerBound, width: columns.count, height: rows.count)
  }

  /// The rectangle of pixels whose edges lie nearest to the area's, at least one pixel.
  func nearest(width: Int, height: Int) -> PictureBox {
    func range(_ start: Double, _ length: Double, _ count: Int) -> Range<Int> {
      let first = min(max(Int((start * Double(count)).rounded()), 0), count - 1)
      let last = Int(((start + length) * Double(count)).rounded())
      return first..<min(max(last, first + 1), count)
    }
    let (columns, rows) = (range(x, self.width, width), range(y, self.height, height))
    return PictureBox(
      x: columns.lowerBound, y: rows.lowerBound, width: columns.count, height: rows.count)
  }

  /// A part of the area, itself in shares of the area, in shares of the picture.
  public func part(_ part: PictureArea) -> PictureArea {
    PictureArea(
      x: x + part.x * width, y: y + part.y * height, width: part.width * width,
      height: part.height * height)
  }

  /// Whole pixels around an interval; what rounding adds to an edge counts for nothing.
  private static func outer(_ start: Double, _ length: Double, _ count: Int) -> Range<Int> {
    let (low, high) = (start * Double(count), (start + length) * Double(count))
    let first = min(max(Int((low + 1e-6).rounded(.down)), 0), count - 1)
    let last = Int((high - 1e-6).rounded(.up))
    return first..<min(max(last, first + 1), count)
  }
}

/// A rectangle of whole pixels.
public struct PictureBox: Sendable, Equatable, Codable {
  /// The first column.
  public var x: Int
  /// The first row.
  public var y: Int
  /// The columns.
  public var width: Int
  /// The rows.
  public var height: Int

  /// Makes a rectangle.
  public init(x: Int, y: Int, width: Int, height: Int) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }
}

/// A part of a picture that a map points at.
public struct PictureRegion: Sendable, Equatable, Codable {
  /// Where it is, in shares of the picture.
  public let area: PictureArea
  /// The pixels of the picture that hold it.
  public let box: PictureBox
  /// How much of the map's positive sum it holds, from 0 to 1.
  public let share: Double

  /// Makes a region of a picture.
  ///
  /// - Parameters:
  ///   - area: Where it is, in shares of the picture.
  ///   - image: The picture.
  ///   - share: How much of the map's positive sum it holds.
  public init(_ area: PictureArea, of image: Image, share: Double) {
    self.area = area
    self.share = share
    box = area.box(width: image.width, height: image.height)
  }
}
