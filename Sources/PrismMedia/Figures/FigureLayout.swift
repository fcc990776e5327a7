internal import PrismFiles
internal import PrismTensor

/// Where everything in a figure goes.
struct FigureLayout {
  private(set) var sheet: Sheet
  private let figure: Figure
  private let shown: ShownSize
  private let bar: ColorBar?
  private let isUpright: Bool
  /// The height of text, the white around all, and the thickness of thin lines.
  private let size: Double
  private let margin: Double
  private let hairline: Double
  /// The base line of the next line of text, less its height.
  private var y: Double

  /// - Throws: `ImageError.noMemory`, `.cannotDraw`.
  init(_ figure: Figure) throws(ImageError) {
    try ImageError.check(figure.map)
    self.figure = figure
    sheet = try Sheet()
    shown = ShownSize(of: figure.image)
    size = Self.textSize(for: shown)
    margin = (1.25 * size).rounded()
    hairline = max(1, (size / 14).rounded())
    isUpright = Double(shown.height) >= 14 * size
    y = margin

    let own = MapRange(of: figure.map)
    let range = own.map { figure.overlay.range ?? $0 }
    let length = Self.barLength(for: shown, size: size, isUpright: isUpright)
    bar = ColorBar(
      range, overlay: figure.overlay, unit: figure.unit,
      count: Int(length / (isUpright ? 4.5 * size : 6 * size)))

    let room = isUpright ? bar.map { $0.room(size: 0.85 * size, on: sheet) } ?? 0 : 0
    let width = max(Double(shown.width) + room, 22 * size).rounded(.up)
    writeCaption(notes: Self.notes(of: figure, range: range, shown), width: width)
    try placePicture()
    placeBar(length: length, width: width)
    sheet.width = 2 * margin + width
    sheet.height = y + margin
  }

  private static func textSize(for shown: ShownSize) -> Double {
    let area = Double(shown.width) * Double(shown.height)
    return min(max(13, (area.squareRoot() / 38).rounded()), 200)
  }

  private static func barLength(for shown: ShownSize, size: Double, isUpright: Bool) -> Double {
    let available = isUpright ? Double(shown.height) : max(Double(shown.width), 22 * size)
    return min(available, (isUpright ? 60 : 90) * size).rounded()
  }

  /// What a reader has to know, that which the picture itself calls for last.
  private static func notes(
    of figure: Figure, range: MapRange?, _ shown: ShownSize
  ) -> [String] {
    var notes = Sheet.shortened(figure.notes, to: 5)
    if let range {
      if range.isFlat {
        notes.append("The map is zero everywhere, so nothing is drawn over the picture.")
      } else if let note = range.note {
        notes.append(note)
      }
    } else {
      notes.append("The map has values that are not finite, so nothing is drawn over the picture.")
    }
    if figure.outline != nil { notes.append(Sheet.outlineNote) }
    if !figure.regions.isEmpty { notes.append(RegionFrames.note) }
    if let note = shown.note { notes.append(note) }
    return notes
  }

  /// The name, the label with its probability, and lines about how the map was made.
  private mutating func writeCaption(notes: [String], width: Double) {
    if !figure.title.isEmpty {
      let name = sheet.flow(width: width, size: size).line(elidingMiddleOf: figure.title)
      sheet.write(name, x: margin, y: y + size, size: size, color: Sheet.grey)
      y += 1.5 * size
    }
    y = sheet.writeHeading(
      figure.label, figure.probability, x: margin, top: y, size: 1.3 * size, width: width,
      limit: 2)
    let subtitle = ([figure.method] + figure.details).filter { !$0.isEmpty }
      .joined(separator: " · ")
    let flow = sheet.flow(width: width, size: size)
    for line in ([subtitle] + notes).flatMap({ flow.lines(of: $0, limit: 3) }) {
      sheet.write(line, x: margin, y: y + 1.25 * size, size: size, color: Sheet.grey)
      y += 1.35 * size
    }
    y = (y + 0.9 * size).rounded()
  }

  private mutating func placePicture() throws(ImageError) {
    let drawn = try figure.overlay.draw(
      figure.map, over: shown.sized(figure.image), in: figure.area)
    sheet.place(drawn, x: margin, y: y, hairline: hairline)
    let (width, height) = (Double(shown.width), Double(shown.height))
    let thickness = max(1.5, size / 8)
    if let region = figure.outline {
      Outline(of: region, in: figure.area).draw(
        on: &sheet, x: margin, y: y, width: width, height: height, thickness: thickness)
    }
    RegionFrames(figure.regions).draw(
      on: &sheet, x: margin, y: y, width: width, height: height, thickness: thickness,
      size: 0.85 * size)
  }

  private mutating func placeBar(length: Double, width: Double) {
    let bottom = y + Double(shown.height)
    if let bar, isUpright {
      bar.drawUpright(
        on: &sheet, x: margin + Double(shown.width) + (0.75 * size).rounded(), y: y,
        length: length, size: 0.85 * size, hairline: hairline)
      y = bottom
    } else if let bar {
      let top = bottom + size.rounded()
      bar.drawLying(
        on: &sheet, x: margin, y: top, length: length, width: width, size: 0.85 * size,
        hairline: hairline)
      y = top + ColorBar.height(size: 0.85 * size)
    } else {
      y = bottom
    }
  }
}
