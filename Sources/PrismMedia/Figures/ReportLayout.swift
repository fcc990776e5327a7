internal import PrismFiles

/// Where everything in a report goes on its page.
struct ReportLayout {
  private static let margin = 32.0
  private static let size = 13.0
  /// The width of texts and of rows of pictures.
  private static let width = 960.0
  /// The white between the columns of a table.
  private static let gap = 22.0
  private static let mark = RGB(0x2F, 0x5D, 0x9F)

  private(set) var sheet: Sheet
  private var y = ReportLayout.margin

  /// - Throws: `ImageError.noMemory`.
  init(_ report: Report) throws(ImageError) {
    sheet = try Sheet()
    sheet.width = Self.width
    write(report.title, size: 20, lead: 26, typeface: .bold)
    write(report.subtitle, size: Self.size, lead: 18, color: Sheet.grey)
    for section in report.sections {
      y += 22
      if !section.title.isEmpty { write(section.title, size: 15, lead: 22, typeface: .bold) }
      for block in section.blocks { draw(block) }
    }
    sheet.width = (sheet.width + 2 * Self.margin).rounded(.up)
    sheet.height = (y + Self.margin).rounded(.up)
  }

  private mutating func draw(_ block: Report.Block) {
    switch block {
    case .lead(let text):
      let top = y + 4
      y += 8
      write(text, size: 15, lead: 22, typeface: .bold, indent: 14)
      let bottom = y + 6
      sheet.add {
        $0.fill(x: Self.margin, y: top, width: 4, height: bottom - top, color: Self.mark)
      }
      y += 12
    case .text(let text): write(text, size: Self.size, lead: 18)
    case .note(let text): write(text, size: 12, lead: 17, color: Sheet.grey)
    case .means(let means): draw(means)
    case .table(let table): draw(table)
    case .pictures(let title, let thumbnails): draw(thumbnails, under: title)
    }
  }

  /// A paragraph.
  private mutating func write(
    _ text: String, size: Double, lead: Double, typeface: Typeface = .regular,
    color: RGB = Sheet.ink, indent: Double = 0
  ) {
    let flow = sheet.flow(width: Self.width - indent, size: size, typeface: typeface)
    for line in flow.lines(of: text, limit: 20) {
      y += lead
      sheet.write(
        line, x: Self.margin + indent, y: y - (lead - size) / 2, size: size, typeface: typeface,
        color: color)
    }
  }

  private mutating func draw(_ means: [Report.Mean]) {
    let scale = Report.scale(of: means)
    let names = min(means.map { sheet.width(of: $0.name, size: Self.size) }.max() ?? 0, 300)
    let (left, length) = (Self.margin + names + 16, 380.0)
    func place(_ value: Double) -> Double {
      let share = (value - scale.lowerBound) / (scale.upperBound - scale.lowerBound)
      return left + length * min(max(share, 0), 1)
    }
    y += 6
    for mean in means {
      let color = mean.isReference ? Sheet.grey : Self.mark
      let typeface = mean.isStrong ? Typeface.bold : .regular
      let ink = mean.isReference ? Sheet.grey : Sheet.ink
      sheet.write(
        mean.name, x: Self.margin, y: y + 14, size: Self.size, within: names + 1,
        typeface: typeface, color: ink)
      let (middle, value, ends) = (
        y + 10, place(mean.value),
        mean.interval.map { (place($0.lowerBound), place($0.upperBound)) }
      )
      sheet.add { canvas in
        canvas.line(
          from: (left, middle), to: (left + length, middle), color: Sheet.hairline, thickness: 0.5)
        if let ends {
          canvas.line(from: (ends.0, middle), to: (ends.1, middle), color: color, thickness: 2.5)
        }
        canvas.fill(x: value - 3.5, y: middle - 3.5, width: 7, height: 7, color: color)
      }
      sheet.write(
        mean.text, x: left + length + 16, y: y + 14, size: Self.size, typeface: typeface,
        color: ink)
      y += 20
    }
    y += 6
  }

  private mutating func draw(_ table: Report.Table) {
    let widths = table.header.indices.map { column in
      let texts = ([table.header] + table.rows).map {
        $0.indices.contains(column) ? $0[column] : ""
      }
      return min(
        texts.map { sheet.width(of: $0, size: Self.size, typeface: .bold) }.max() ?? 0, 320)
    }
    let total = widths.reduce(-Self.gap) { $0 + $1 + Self.gap }
    sheet.width = max(sheet.width, total)
    y += 4
    for (index, cells) in ([table.header] + table.rows).enumerated() {
      y += 20
      var x = Self.margin
      for (column, text) in cells.prefix(widths.count).enumerated() {
        let typeface = index == 0 && column > 0 ? Typeface.bold : .regular
        let own = sheet.width(of: text, size: Self.size, typeface: typeface)
        sheet.write(
          text, x: x + (column == 0 ? 0 : max(widths[column] - own, 0)), y: y, size: Self.size,
          within: widths[column] + 1, typeface: typeface,
          color: index == 0 ? Sheet.grey : Sheet.ink)
        x += widths[column] + Self.gap
      }
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
    y += 10
  }

  private mutating func draw(_ thumbnails: [Report.Thumbnail], under title: String) {
    if !title.isEmpty {
      y += 8
      write(title, size: Self.size, lead: 18, typeface: .bold)
    }
    y += 4
    var x = Self.margin
    var height = 0.0
    for thumbnail in thumbnails {
      let (width, own) = (Double(thumbnail.image.width), Double(thumbnail.image.height))
      if x > Self.margin, x + width > Self.margin + Self.width {
        (x, y, height) = (Self.margin, y + height + 10, 0)
      }
      sheet.place(thumbnail.image, x: x, y: y)
      if let outline = thumbnail.outline {
        Outline(of: outline, in: thumbnail.area).draw(
          on: &sheet, x: x, y: y, width: width, height: own, thickness: 1.2)
      }
      for (line, caption) in thumbnail.captions.enumerated() {
        sheet.write(
          caption, x: x, y: y + own + 14 * Double(line + 1), size: 11, within: max(width, 90),
          color: Sheet.grey)
      }
      height = max(height, own + 14 * Double(thumbnail.captions.count) + 4)
      x += max(width, 90) + 14
    }
    y += height + 6
  }
}
