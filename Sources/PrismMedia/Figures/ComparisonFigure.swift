internal import PrismFiles
public import PrismTensor

/// A picture beside several maps of it: a column a method, a row a label, tables below.
///
/// All maps of a column have one colour scale, which stands below them: numbers of one method can be compared between
/// labels; numbers of two methods have different units.
public struct ComparisonFigure: Sendable {
  /// A map with what is known about it.
  public struct Cell: Sendable {
    /// Raw attributions, `[H, W]`.
    public var map: Tensor
    /// Lines below the map, such as the time.
    public var captions: [String]
    /// The segment of every pixel of the map, whose borders are drawn.
    public var segments: [Int32]?

    /// Makes a cell.
    public init(map: Tensor, captions: [String], segments: [Int32]? = nil) {
      self.map = map
      self.captions = captions
      self.segments = segments
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

    /// Makes a table.
    public init(title: String, header: [String], rows: [[String]]) {
      self.title = title
      self.header = header
      self.rows = rows
    }
  }

  /// The explained picture.
  public var image: Image
  /// What the figure shows, such as the file's name.
  public var title: String
  /// More about it, such as the model.
  public var subtitle: String
  /// The methods.
  public var columns: [String]
  /// The labels; every row has a cell a column.
  public var rows: [Row]
  /// Numbers below the maps.
  public var tables: [Table]
  /// What a reader has to know.
  public var notes: [String]

  /// Makes a figure.
  ///
  /// - Precondition: Every row has a cell a column, and every map two axes.
  public init(
    image: Image, title: String, subtitle: String, columns: [String], rows: [Row],
    tables: [Table] = [], notes: [String] = []
  ) {
    precondition(
      rows.allSatisfy {
        $0.cells.count == columns.count && $0.cells.allSatisfy { $0.map.shape.rank == 2 }
      },
      "a row of a comparison needs a map for each of \(columns.count) columns")
    self.image = image
    self.title = title
    self.subtitle = subtitle
    self.columns = columns
    self.rows = rows
    self.tables = tables
    self.notes = notes
  }

  /// The colour scale of a column's maps; `nil` where nothing can be shown.
  func range(ofColumn column: Int) -> MapRange? {
    let ranges = rows.compactMap { MapRange(of: $0.cells[column].map) }
    guard let first = ranges.first else { return nil }
    return ranges.dropFirst().reduce(first) { $0.union($1) }
  }

  /// What a reader has to know, the scales included.
  var shownNotes: [String] {
    notes
      + columns.indices.compactMap { column in
        range(ofColumn: column)?.note.map { "\(columns[column]): \($0)" }
      }
  }

  /// The figure as pixels.
  ///
  /// - Throws: `ImageError.noMemory`.
  public func rendered() throws(ImageError) -> Image {
    let layout = try ComparisonLayout(self)
    let canvas = try Canvas(width: Int(layout.width), height: Int(layout.height))
    layout.draw(on: canvas)
    return try canvas.image()
  }

  /// The figure as the contents of a PDF file of one page.
  ///
  /// - Throws: `ImageError.noMemory`.
  public func pdfData() throws(ImageError) -> [UInt8] {
    let layout = try ComparisonLayout(self)
    let canvas = try Canvas(page: (layout.width, layout.height))
    layout.draw(on: canvas)
    return try canvas.pdfData()
  }
}

/// Where everything in a comparison goes, as a list of what is drawn.
private struct ComparisonLayout {
  static let margin = 28.0
  static let gap = 18.0
  static let cell = 264.0
  static let size = 13.0
  static let ink = RGB(0x1B, 0x1F, 0x24)
  static let grey = RGB(0x57, 0x60, 0x6A)
  static let hairline = RGB(0xB4, 0xBA, 0xC2)

  private(set) var width = 0.0
  private(set) var height = 0.0
  private var drawings: [(Canvas) -> Void] = []
  private let ruler: Canvas

  init(_ figure: ComparisonFigure) throws(ImageError) {
    ruler = try Canvas(width: 1, height: 1)
    let scale = Self.cell / Double(max(figure.image.width, figure.image.height))
    let area = (
      width: max((Double(figure.image.width) * scale).rounded(), 1),
      height: max((Double(figure.image.height) * scale).rounded(), 1)
    )
    // A narrow picture leaves its captions the room that they need.
    let step = max(area.width, 200) + Self.gap
    let columns = figure.columns.count + 1
    let tables = figure.tables.map { tableWidth($0) }.max() ?? 0
    let content = max(Double(columns) * step - Self.gap, tables)
    width = (2 * Self.margin + content).rounded(.up)

    var y = Self.margin
    func x(_ column: Int) -> Double { Self.margin + Double(column) * step }
    y += 20
    write(figure.title, x: Self.margin, y: y, size: 20, width: content, isBold: true)
    y += 22
    write(figure.subtitle, x: Self.margin, y: y, width: content, color: Self.grey)
    y += 20
    for note in figure.shownNotes {
      write(note, x: Self.margin, y: y, width: content, color: Self.grey)
      y += 18
    }
    y += 14
    for (column, name) in (["Input"] + figure.columns).enumerated() {
      write(name, x: x(column), y: y, size: 15, width: step - Self.gap, isBold: true)
    }
    y += 10

    let picture = figure.image.resized(
      width: Int(area.width), height: Int(area.height),
      method: scale < 1 ? .bilinearAntialias : .nearest)
    let ranges = figure.columns.indices.map { figure.range(ofColumn: $0) }
    for row in figure.rows {
      let probability = row.probability.map { "  " + Text.percent($0) } ?? ""
      y += 18
      write(row.label + probability, x: Self.margin, y: y, size: 14, width: content)
      y += 8
      let top = y
      place(picture, x: x(0), y: top)
      var lines = 0
      for (column, cell) in row.cells.enumerated() {
        let shown = ComparisonFigure.drawn(cell, over: picture, range: ranges[column])
        place(shown, x: x(column + 1), y: top)
        for (index, caption) in cell.captions.enumerated() {
          write(
            caption, x: x(column + 1), y: top + area.height + 16 + 16 * Double(index), size: 12,
            width: step - Self.gap, color: Self.grey)
        }
        lines = max(lines, cell.captions.count)
      }
      y = top + area.height + 16 * Double(lines) + 8
    }
    y += 10
    for (column, range) in ranges.enumerated() {
      guard let range, !range.isFlat else { continue }
      bar(range, x: x(column + 1), y: y, length: area.width)
    }
    if ranges.contains(where: { $0.map { !$0.isFlat } ?? false }) { y += 52 }

    for table in figure.tables {
      y += 26
      y = draw(table, y: y)
    }
    height = (y + Self.margin).rounded(.up)
  }

  func draw(on canvas: Canvas) {
    for drawing in drawings { drawing(canvas) }
  }

  private mutating func write(
    _ text: String, x: Double, y: Double, size: Double = ComparisonLayout.size, width: Double,
    isBold: Bool = false, color: RGB = ComparisonLayout.ink
  ) {
    let typeface = isBold ? Typeface.bold : .regular
    let ruler = ruler
    let flow = TextFlow(width: width) { ruler.width(of: $0, size: size, typeface: typeface) }
    guard let line = flow.lines(of: text, limit: 1).first else { return }
    drawings.append { $0.write(line, x: x, y: y, size: size, typeface: typeface, color: color) }
  }

  private mutating func place(_ image: Image, x: Double, y: Double) {
    let (width, height) = (Double(image.width), Double(image.height))
    drawings.append { canvas in
      canvas.draw(image, x: x, y: y, width: width, height: height)
      canvas.frame(x: x, y: y, width: width, height: height, color: Self.hairline, thickness: 1)
    }
  }

  private mutating func bar(_ range: MapRange, x: Double, y: Double, length: Double) {
    let colors = Overlay().colorMap(for: range).colors
    let strip = Image(
      width: 256, height: 1, pixels: colors.flatMap { [$0.red, $0.green, $0.blue] })
    let scale = Ticks(
      from: Double(range.lower), to: Double(range.upper), count: max(2, Int(length / 66)))
    drawings.append { canvas in
      canvas.draw(strip, x: x, y: y, width: length, height: 11)
      canvas.frame(x: x, y: y, width: length, height: 11, color: Self.hairline, thickness: 1)
    }
    var free = x - 20
    for tick in scale.ticks {
      let at = x + length * tick.position
      let width = ruler.width(of: tick.label, size: 11)
      let left = min(max(at - width / 2, x), x + length - width)
      guard left >= free else { continue }
      free = left + width + 5
      drawings.append { canvas in
        canvas.line(from: (at, y + 11), to: (at, y + 15), color: Self.grey, thickness: 1)
        canvas.write(tick.label, x: left, y: y + 27, size: 11, color: Self.ink)
      }
    }
    if !scale.factor.isEmpty {
      write(scale.factor, x: x, y: y + 42, size: 11, width: length, color: Self.grey)
    }
  }

  // The widths of a table's columns: as wide as their texts, and some room between them.
  private func columnWidths(_ table: ComparisonFigure.Table) -> [Double] {
    table.header.indices.map { column in
      ([table.header] + table.rows).map {
        ruler.width(of: $0[column], size: Self.size, typeface: column == 0 ? .regular : .bold)
      }.max() ?? 0
    }
  }

  private func tableWidth(_ table: ComparisonFigure.Table) -> Double {
    columnWidths(table).reduce(0) { $0 + $1 + 26 } - 26
  }

  private mutating func draw(_ table: ComparisonFigure.Table, y top: Double) -> Double {
    let widths = columnWidths(table)
    let total = tableWidth(table)
    var y = top
    write(table.title, x: Self.margin, y: y, size: 14, width: 10_000, isBold: true)
    for (index, cells) in ([table.header] + table.rows).enumerated() {
      y += 20
      var x = Self.margin
      for (column, text) in cells.enumerated() {
        // Text stands at the left of its column, numbers at the right.
        let typeface = index == 0 && column > 0 ? Typeface.bold : .regular
        let shift =
          column == 0
          ? 0 : widths[column] - ruler.width(of: text, size: Self.size, typeface: typeface)
        let (at, base, color) = (x + shift, y, index == 0 ? Self.grey : Self.ink)
        drawings.append {
          $0.write(text, x: at, y: base, size: Self.size, typeface: typeface, color: color)
        }
        x += widths[column] + 26
      }
      if index == 0 {
        y += 6
        let base = y
        drawings.append {
          $0.line(
            from: (Self.margin, base), to: (Self.margin + total, base), color: Self.hairline,
            thickness: 1)
        }
      }
    }
    return y + 8
  }
}

extension ComparisonFigure {
  /// A map over a picture, with the borders of its segments.
  static func drawn(_ cell: Cell, over picture: Image, range: MapRange?) -> Image {
    let shown = Overlay(range: range).draw(cell.map, over: picture)
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
    return Image(width: width, height: height, pixels: pixels)
  }
}
