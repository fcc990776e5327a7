public import PrismTensor

/// A report of many inputs: texts, tables, means with their intervals, and small pictures.
public struct Report: Sendable {
  /// A mean with its interval on a scale that all means of a block share.
  public struct Mean: Sendable {
    /// What the mean is of.
    public var name: String
    /// The mean.
    public var value: Double
    /// Where it may lie; `nil` where that is not known.
    public var interval: ClosedRange<Double>?
    /// The numbers, in words.
    public var text: String
    /// Whether it stands for what others are compared with.
    public var isReference: Bool
    /// Whether it stands out.
    public var isStrong: Bool

    /// Makes a mean.
    public init(
      name: String, value: Double, interval: ClosedRange<Double>?, text: String,
      isReference: Bool = false, isStrong: Bool = false
    ) {
      self.name = name
      self.value = value
      self.interval = interval
      self.text = text
      self.isReference = isReference
      self.isStrong = isStrong
    }
  }

  /// A table; text stands at the left of the first column, numbers at the right of the others.
  public struct Table: Sendable {
    /// The names of the columns.
    public var header: [String]
    /// As many cells a row.
    public var rows: [[String]]

    /// Makes a table.
    public init(header: [String], rows: [[String]]) {
      self.header = header
      self.rows = rows
    }
  }

  /// A small picture with what is known about it.
  public struct Thumbnail: Sendable {
    /// The picture, as large as it is shown.
    public var image: Image
    /// A region whose border is drawn, not zero inside, `[H, W]` of any size.
    public var outline: Tensor?
    /// The part of the picture that the region is about.
    public var area: PictureArea
    /// What stands below it, a line each.
    public var captions: [String]

    /// Makes a thumbnail.
    public init(
      _ image: Image, outline: Tensor? = nil, area: PictureArea = .whole, captions: [String]
    ) {
      self.image = image
      self.outline = outline
      self.area = area
      self.captions = captions
    }
  }

  /// A part of a section.
  public enum Block: Sendable {
    /// What matters most, in sentences.
    case lead(String)
    /// A paragraph.
    case text(String)
    /// What is said beside it.
    case note(String)
    /// Means one below the other.
    case means([Mean])
    /// A table.
    case table(Table)
    /// Small pictures in a row under a heading.
    case pictures(title: String, [Thumbnail])
  }

  /// Blocks under a heading.
  public struct Section: Sendable {
    /// The heading; empty for none.
    public var title: String
    /// The blocks.
    public var blocks: [Block]

    /// Makes a section.
    public init(_ title: String, _ blocks: [Block]) {
      self.title = title
      self.blocks = blocks
    }
  }

  /// What it is about.
  public var title: String
  /// More about it.
  public var subtitle: String
  /// The sections.
  public var sections: [Section]

  /// Makes a report.
  public init(title: String, subtitle: String, sections: [Section]) {
    self.title = title
    self.subtitle = subtitle
    self.sections = sections
  }

  /// The report as the contents of a PDF file of one page.
  ///
  /// - Throws: `ImageError.noMemory`.
  public func pdfData() throws(ImageError) -> [UInt8] { try ReportLayout(self).sheet.pdfData() }

  /// The numbers at the ends of the scale of means: all intervals, and zero where it is near.
  static func scale(of means: [Mean]) -> ClosedRange<Double> {
    let ends = means.flatMap { mean in
      [mean.value] + (mean.interval.map { [$0.lowerBound, $0.upperBound] } ?? [])
    }.filter(\.isFinite)
    guard let least = ends.min(), let greatest = ends.max() else { return 0...1 }
    let low = least > 0 && least < greatest / 2 ? 0 : least
    let high = greatest < 0 && greatest > least / 2 ? 0 : greatest
    return low < high ? low...high : low...low + 1
  }
}
