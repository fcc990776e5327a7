internal import PrismFiles

/// Where everything in a comparison goes.
struct ComparisonLayout {
  private static let margin = 28.0
  private static let gap = 18.0
  private static let side = 264.0
  private static let size = 13.0
  /// The white between the columns of a table.
  private static let tableGap = 26.0
  /// The widest text in a table.
  private static let tableCell = 300.0

  private(set) var sheet: Sheet
  private let figure: ComparisonFigure
  private let shown: ShownSize
  private let scales: [ComparisonFigure.Scale]
  private let outline: Outline?
  private var y = ComparisonLayout.margin
  /// The width of all that is not white at the sides.
  private var content = 0.0
  /// From one column to the next.
  private let step: Double
  /// The room at the left of the pictures.
  private let indent: Double

  /// - Throws: `ImageError.noMemory`, `.cannotDraw`.
  init(_ figure: ComparisonFigure) throws(ImageError) {
    try figure.check()
    self.figure = figure
    sheet = try Sheet()
    shown = ShownSize(of: figure.image, side: Self.side)
    scales = figure.columns.indices.map { figure.scale(ofColumn: $0) }
    outline = figure.outline.map { Outline(of: $0, in: figure.area) }
    // A narrow picture leaves its captions the room that they need.
    step = max(Double(shown.width), 200) + Self.gap
    indent = figure.axes == nil ? 0 : FigureAxes.frequenciesWidth(size: 10)
    let columns = Double(figure.columns.count + 1) * step - Self.gap
    content = max(indent + columns, figure.tables.map { tableWidth($0) }.max() ?? 0, 480)

    writeHead()
    let picture = shown.sized(figure.image)
    for row in figure.rows.indices { try place(row: row, picture) }
    placeSharedBars()
    for table in figure.tables {
      y += 30
      draw(table)
    }
    sheet.width = (2 * Self.margin + content).rounded(.up)
    sheet.height = (y + Self.margin).rounded(.up)
  }

  private func x(_ column: Int) -> Double { Self.margin + indent + Double(column) * step }

  private mutating func writeHead() {
    y += 20
    let title = sheet.flow(width: content, size: 20, typeface: .bold)
    sheet.write(
      title.line(elidingMiddleOf: figure.title), x: Self.margin, y: y, size: 20, typeface: .bold)
    y += 22
    sheet.write(
      figure.subtitle, x: Self.margin, y: y, size: Self.size, within: content, color: Sheet.grey)
    y += 20
    let flow = sheet.flow(width: content, size: Self.size)
    let notes = figure.shownNotes + (shown.note.map { [$0] } ?? [])
    for line in notes.flatMap({ flow.lines(of: $0, limit: 2) }) {
      sheet.write(line, x: Self.margin, y: y, size: Self.size, color: Sheet.grey)
      y += 18
    }
    y += 14
    for (column, name) in (["Input"] + figure.columns).enumerated() {
      sheet.write(
        name, x: x(column), y: y, size: 15, within: step - Self.gap, typeface: .bold)
    }
    y += 6
  }

  /// A label, the picture, its maps, and what is known about them.
  private mutating func place(row index: Int, _ picture: Image) throws(ImageError) {
    let row = figure.rows[index]
    y =
      sheet.writeHeading(
        row.label, row.probability, x: Self.margin, top: y + 6, size: 14, width: content, limit: 1)
      + 6
    let top = y
    place(picture, column: 0, top: top)
    for (column, cell) in row.cells.enumerated() {
      let range = scales[column].ranges[index]
      place(
        try ComparisonFigure.drawn(cell, over: picture, in: figure.area, range: range),
        column: column + 1, top: top)
      RegionFrames(cell.regions).draw(
        on: &sheet, x: x(column + 1), y: top, width: Double(shown.width),
        height: Double(shown.height), thickness: 1.5, size: 11)
    }
    y = top + Double(shown.height)
    if figure.axes != nil { y += FigureAxes.timesHeight(size: 10) }
    placeOwnBars(row: index)
    for (column, cell) in row.cells.enumerated() {
      for (line, caption) in cell.captions.enumerated() {
        sheet.write(
          caption, x: x(column + 1), y: y + 16 * Double(line + 1), size: 12,
          within: step - Self.gap, color: Sheet.grey)
      }
    }
    y += 16 * Double(row.cells.map(\.captions.count).max() ?? 0) + 8
  }

  private mutating func place(_ image: Image, column: Int, top: Double) {
    let (width, height) = (Double(shown.width), Double(shown.height))
    sheet.place(image, x: x(column), y: top)
    outline?.draw(
      on: &sheet, x: x(column), y: top, width: width, height: height, thickness: 1.5)
    guard let axes = figure.axes else { return }
    axes.drawTimes(
      on: &sheet, x: x(column), y: top + height, width: width, count: 4, size: 10)
    if column == 0 {
      axes.drawFrequencies(on: &sheet, x: x(column), y: top, height: height, size: 10)
    }
  }

  /// The bars of a row's maps that have their own scale.
  private mutating func placeOwnBars(row: Int) {
    let columns = scales.indices.filter { !scales[$0].isShared }
    let bars = columns.filter { placeBar(scales[$0].ranges[row], column: $0, y: y + 8) }
    if !bars.isEmpty { y += 8 + ColorBar.height(size: 11) }
  }

  /// The bars below the columns.
  private mutating func placeSharedBars() {
    let columns = scales.indices.filter { scales[$0].isShared }
    let bars = columns.filter { column in
      placeBar(scales[column].ranges.compactMap { $0 }.first, column: column, y: y + 10)
    }
    y += 10
    if !bars.isEmpty { y += ColorBar.height(size: 11) + 6 }
  }

  /// - Returns: Whether there is something to show.
  private mutating func placeBar(_ range: MapRange?, column: Int, y: Double) -> Bool {
    let length = Double(shown.width)
    guard
      let bar = ColorBar(
        range, overlay: Overlay(), unit: figure.unit(ofColumn: column), count: Int(length / 66))
    else { return false }
    bar.drawLying(
      on: &sheet, x: x(column + 1), y: y, length: length, width: max(length, step - Self.gap),
      size: 11, hairline: 1)
    return true
  }

  // MARK: Tables

  /// The widths of a table's columns: as wide as their texts, and some room between them.
  private func columnWidths(_ table: ComparisonFigure.Table) -> [Double] {
    table.header.indices.map { column in
      let widest =
        ([table.header] + table.rows).map {
          sheet.width(of: $0[column], size: Self.size, typeface: column == 0 ? .regular : .bold)
        }.max() ?? 0
      return min(widest, Self.tableCell)
    }
  }

  private func tableWidth(_ table: ComparisonFigure.Table) -> Double {
    columnWidths(table).reduce(-Self.tableGap) { $0 + $1 + Self.tableGap }
  }

  private mutating func draw(_ table: ComparisonFigure.Table) {
    let widths = columnWidths(table)
    let total = tableWidth(table)
    sheet.write(table.title, x: Self.margin, y: y, size: 14, within: content, typeface: .bold)
    for (index, cells) in ([table.header] + table.rows).enumerated() {
      y += 20
      write(cells, isHeader: index == 0, widths: widths)
      if index == 0 {
        y += 6
        let base = y
        sheet.add {
          $0.line(
            from: (Self.margin, base), to: (Self.margin + total, base), color: Sheet.hairline,
            thickness: 1)
        }
      }
    }
    y += 8
    let flow = sheet.flow(width: content, size: 12)
    for line in table.notes.flatMap({ flow.lines(of: $0, limit: 2) }) {
      sheet.write(line, x: Self.margin, y: y + 12, size: 12, color: Sheet.grey)
      y += 16
    }
  }

  /// A row of a table: text stands at the left of its column, numbers at the right.
  private mutating func write(_ cells: [String], isHeader: Bool, widths: [Double]) {
    var x = Self.margin
    for (column, text) in cells.enumerated() {
      let typeface = isHeader && column > 0 ? Typeface.bold : .regular
      let own = sheet.width(of: text, size: Self.size, typeface: typeface)
      sheet.write(
        text, x: x + (column == 0 ? 0 : max(widths[column] - own, 0)), y: y, size: Self.size,
        within: widths[column] + 1, typeface: typeface, color: isHeader ? Sheet.grey : Sheet.ink)
      x += widths[column] + Self.tableGap
    }
  }
}
