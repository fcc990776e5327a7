public import PrismTensor

/// A picture beside several maps of it: a column a method, a row a label, tables below.
///
/// All maps of a column have one colour scale, which stands below them: numbers of one method can
/// be compared between labels; numbers of two methods have different units. Where the maps of a
/// column differ by more than a factor of ten, each has its own.
public struct ComparisonFigure: Sendable {
  /// A map with what is known about it.
  public struct Cell: Sendable {
    /// Raw attributions, `[H, W]`.
    public var map: Tensor
    /// Lines below the map, such as the time.
    public var captions: [String]
    /// The segment of every pixel of the map, whose borders are drawn.
    public var segments: [Int32]?
    /// Parts of the picture that are framed, each with its share.
    public var regions: [PictureRegion]

    /// Makes a cell.
    public init(
      map: Tensor, captions: [String], segments: [Int32]? = nil, regions: [PictureRegion] = []
    ) {
      self.map = map
      self.captions = captions
      self.segments = segments
      self.regions = regions
    }
  }

  /// A row's label.
  public struct Row: Sendable {
    /// The label.
    public var label: String
    /// Its probability, where known.
    public var probability: Double?
    /// One cell a column.
    public var cells: [Cell]

    /// Makes a row.
    public init(label: String, probability: Double?, cells: [Cell]) {
      self.label = label
      self.probability = probability
      self.cells = cells
    }
  }

  /// Numbers below the maps.
  public struct Table: Sendable {
    /// What the table says.
    public var title: String
    /// The columns' names; the first column is text, the others are numbers.
    public var header: [String]
    /// The rows, as long as the header.
    public var rows: [[String]]
    /// What the columns mean, a line each.
    public var notes: [String]

    /// Makes a table.
    public init(title: String, header: [String], rows: [[String]], notes: [String] = []) {
      self.title = title
      self.header = header
      self.rows = rows
      self.notes = notes
    }
  }

  /// The explained picture.
  public var image: Image
  /// What the figure shows, such as the file's name; its middle is left out where it is long.
  public var title: String
  /// More about it, such as the model.
  public var subtitle: String
  /// The methods.
  public var columns: [String]
  /// The units of the methods' maps, such as `logit`, in the order of the columns; empty or shorter
  /// where they are unknown.
  public var units: [String]
  /// The labels; every row has a cell a column.
  public var rows: [Row]
  /// Numbers below the maps.
  public var tables: [Table]
  /// What a reader has to know.
  public var notes: [String]
  /// What the axes of the picture show, where it is a spectrogram.
  public var axes: FigureAxes?
  /// A region whose border is drawn, not zero inside, `[H, W]` of any size; `nil` for none.
  public var outline: Tensor?
  /// The part of the picture that the maps are about.
  public var area: PictureArea

  /// Makes a figure.
  public init(
    image: Image, title: String, subtitle: String, columns: [String], rows: [Row],
    tables: [Table] = [], notes: [String] = [], units: [String] = [], axes: FigureAxes? = nil,
    outline: Tensor? = nil, area: PictureArea = .whole
  ) {
    self.image = image
    self.title = title
    self.subtitle = subtitle
    self.columns = columns
    self.rows = rows
    self.tables = tables
    self.notes = notes
    self.units = units
    self.axes = axes
    self.outline = outline
    self.area = area
  }

  /// The figure as pixels.
  ///
  /// - Throws: `ImageError.noMemory`; `.cannotDraw` where a row has not a map a column, a table's
  ///   row not a cell a column, or a map no rows and columns.
  public func rendered() throws(ImageError) -> Image {
    try ComparisonLayout(self).sheet.rendered()
  }

  /// The figure as the contents of a PDF file of one page.
  ///
  /// - Throws: As ``rendered()``.
  public func pdfData() throws(ImageError) -> [UInt8] {
    try ComparisonLayout(self).sheet.pdfData()
  }

  /// Makes sure that everything has its place.
  func check() throws(ImageError) {
    for row in rows {
      guard row.cells.count == columns.count else {
        throw .cannotDraw("a row of \(row.cells.count) maps does not fill \(columns.count) columns")
      }
      for cell in row.cells { try ImageError.check(cell.map) }
    }
    for table in tables {
      guard table.rows.allSatisfy({ $0.count == table.header.count }) else {
        throw .cannotDraw("a row of the table \(table.title) is not as long as its header")
      }
    }
    guard axes?.isUsable ?? true else { throw .cannotDraw("an axis of less than two frequencies") }
  }
}

// MARK: - Colour scales

extension ComparisonFigure {
  /// The colour scales of a column's maps.
  struct Scale: Equatable {
    /// One a row; `nil` where nothing can be shown.
    let ranges: [MapRange?]
    /// Whether they are all the same.
    let isShared: Bool
  }

  /// The colour scales of a column: one for all its maps, unless one would not see anything.
  func scale(ofColumn column: Int) -> Scale {
    let own = rows.map { MapRange(of: $0.cells[column].map) }
    let shown = own.compactMap { $0 }.filter { !$0.isFlat }
    let reaches = shown.map(\.upper)
    let areAlike =
      shown.allSatisfy { $0.centre == 0 }
      && (reaches.max() ?? 0) <= 10 * (reaches.min() ?? 0)
    guard areAlike || shown.count < 2 else { return Scale(ranges: own, isShared: false) }
    let all = shown.dropFirst().reduce(shown.first) { $0?.union($1) ?? $1 }
    return Scale(ranges: own.map { $0.map { all ?? $0 } }, isShared: true)
  }

  /// What a reader has to know, the scales included.
  var shownNotes: [String] {
    let scales = columns.indices.map { column in
      let scale = scale(ofColumn: column)
      let name = columns[column]
      guard scale.isShared else {
        return "\(name): every map has its own colour scale, below it, for their values differ by "
          + "more than ten times or lie far from zero."
      }
      return scale.ranges.compactMap { $0?.note }.first.map { "\(name): \($0)" } ?? ""
    }
    let hasFrames = rows.contains { $0.cells.contains { !$0.regions.isEmpty } }
    return notes + scales.filter { !$0.isEmpty } + (outline == nil ? [] : [Sheet.outlineNote])
      + (hasFrames ? [RegionFrames.note] : [])
  }

  /// The unit of a column's maps; empty where unknown.
  func unit(ofColumn column: Int) -> String {
    units.indices.contains(column) ? units[column] : ""
  }
}

extension ComparisonFigure {
  /// A map over a picture, with the borders of its segments.
  ///
  /// - Throws: `ImageError.cannotDraw`.
  static func drawn(
    _ cell: Cell, over picture: Image, in area: PictureArea = .whole, range: MapRange?
  ) throws(ImageError) -> Image {
    try picture.changing(area) { part throws(ImageError) in
      try drawn(cell, overAll: part, range: range)
    }
  }

  private static func drawn(
    _ cell: Cell, overAll picture: Image, range: MapRange?
  ) throws(ImageError) -> Image {
    let shown = try Overlay(range: range).draw(cell.map, over: picture)
    guard let segments = cell.segments, segments.count == cell.map.count else { return shown }
    let (width, height) = (picture.width, picture.height)
    let (columns, rows) = (cell.map.shape[1], cell.map.shape[0])
    func segment(_ x: Int, _ y: Int) -> Int32 {
      segments[(y * rows / height) * columns + x * columns / width]
    }
    var pixels = shown.pixels
    for y in 0..<height {
      for x in 0..<width {
        let own = segment(x, y)
        guard
          (x + 1 < width && segment(x + 1, y) != own)
            || (y + 1 < height && segment(x, y + 1) != own)
        else { continue }
        for i in 3 * (y * width + x)..<3 * (y * width + x) + 3 {
          pixels[i] = UInt8((Int(pixels[i]) * 2 + 255 * 3) / 5)
        }
      }
    }
    return Image(width: width, height: height, exactly: pixels)
  }
}
