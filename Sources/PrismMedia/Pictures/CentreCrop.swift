public import PrismCard

/// The way of torchvision, timm and Hugging Face to a network's size: the shorter side is resized,
/// then the centre is cut out.
public struct CentreCrop: Sendable, Equatable, Codable {
  /// What the shorter side is resized to, at least both extents of what is cut out.
  public let side: Int
  /// The columns that are cut out.
  public let width: Int
  /// The rows that are cut out.
  public let height: Int

  /// Makes a rule.
  public init(side: Int, width: Int, height: Int) {
    self.side = side
    self.width = width
    self.height = height
  }

  /// What of a picture is cut out, in shares of its extents.
  ///
  /// - Parameters:
  ///   - width: The picture's columns.
  ///   - height: The picture's rows.
  /// - Returns: Its centre.
  public func area(width: Int, height: Int) -> PictureArea {
    let target = target(width: width, height: height)
    let (columns, rows) = (target.columns, target.rows)
    func share(_ count: Int, of axis: ResizeTarget.Axis) -> Double {
      Double(count) / Double(axis.count)
    }
    return PictureArea(
      x: share(columns.range.lowerBound, of: columns), y: share(rows.range.lowerBound, of: rows),
      width: share(columns.range.count, of: columns), height: share(rows.range.count, of: rows))
  }

  /// The whole picture's new size and the part of it that is kept, as torchvision's `Resize` and
  /// `CenterCrop` have them.
  func target(width: Int, height: Int) -> ResizeTarget {
    let long = max(
      side, Int(Double(side * max(width, height)) / Double(max(min(width, height), 1))))
    func axis(_ count: Int, kept: Int) -> ResizeTarget.Axis {
      let start = Int((Double(count - kept) / 2).rounded(.toNearestOrEven))
      return ResizeTarget.Axis(count: count, range: start..<(start + kept))
    }
    return ResizeTarget(
      columns: axis(width <= height ? side : long, kept: self.width),
      rows: axis(width <= height ? long : side, kept: self.height))
  }
}

extension ModelCard.ImageInput {
  /// How the centre of a picture is cut out, or `nil` where the network sees the whole picture.
  public var crop: CentreCrop? {
    resizeSide.map { CentreCrop(side: $0, width: width, height: height) }
  }

  /// What of a picture the network sees.
  public func area(of image: Image) -> PictureArea {
    crop?.area(width: image.width, height: image.height) ?? .whole
  }

  /// To what a picture is resized, and what of that the network sees.
  func target(width: Int, height: Int) -> ResizeTarget {
    crop?.target(width: width, height: height)
      ?? ResizeTarget(width: self.width, height: self.height)
  }
}

/// The size to which a picture is brought, and the part of it that is computed.
struct ResizeTarget: Equatable {
  /// One direction.
  struct Axis: Equatable {
    /// The elements of the whole.
    var count: Int
    /// Those that are computed.
    var range: Range<Int>

    /// Whether all are computed.
    var isWhole: Bool { range == 0..<count }
  }

  var columns: Axis
  var rows: Axis

  init(columns: Axis, rows: Axis) {
    self.columns = columns
    self.rows = rows
  }

  /// All of a size.
  init(width: Int, height: Int) {
    columns = Axis(count: width, range: 0..<width)
    rows = Axis(count: height, range: 0..<height)
  }
}
