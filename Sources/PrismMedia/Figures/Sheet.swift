internal import PrismFiles

/// What a figure consists of, in the order of drawing, before its extents are known.
///
/// Layouts add to a sheet, which measures text for them; it then draws itself on pixels or a page.
struct Sheet {
  /// The colours of texts, of what is less important, and of thin lines.
  static let ink = RGB(0x1B, 0x1F, 0x24)
  static let grey = RGB(0x57, 0x60, 0x6A)
  static let hairline = RGB(0xB4, 0xBA, 0xC2)

  /// The extents of the whole, in pixels.
  var width = 0.0
  var height = 0.0
  private let ruler: Canvas
  private var drawings: [(Canvas) -> Void] = []

  init() throws(ImageError) { ruler = try Canvas(width: 1, height: 1) }

  /// How far one line of text reaches to the right.
  func width(of text: String, size: Double, typeface: Typeface = .regular) -> Double {
    ruler.width(of: text, size: size, typeface: typeface)
  }

  /// Breaks text into lines that fit.
  func flow(width: Double, size: Double, typeface: Typeface = .regular) -> TextFlow {
    let ruler = ruler
    return TextFlow(width: width) { ruler.width(of: $0, size: size, typeface: typeface) }
  }

  /// Adds what is drawn when the sheet is.
  mutating func add(_ drawing: @escaping (Canvas) -> Void) { drawings.append(drawing) }

  /// Adds one line of text as it is, with the left end of its base line at a point.
  mutating func write(
    _ text: String, x: Double, y: Double, size: Double, typeface: Typeface = .regular,
    color: RGB = Sheet.ink
  ) {
    add { $0.write(text, x: x, y: y, size: size, typeface: typeface, color: color) }
  }

  /// Adds one line of text that ends in an ellipsis where it does not fit.
  mutating func write(
    _ text: String, x: Double, y: Double, size: Double, within width: Double,
    typeface: Typeface = .regular, color: RGB = Sheet.ink
  ) {
    let flow = flow(width: width, size: size, typeface: typeface)
    guard let line = flow.lines(of: text, limit: 1).first else { return }
    write(line, x: x, y: y, size: size, typeface: typeface, color: color)
  }

  /// Adds a picture at its own size, in a thin frame.
  mutating func place(_ image: Image, x: Double, y: Double, hairline: Double = 1) {
    let (width, height) = (Double(image.width), Double(image.height))
    add { canvas in
      canvas.draw(image, x: x, y: y, width: width, height: height)
      canvas.frame(
        x: x, y: y, width: width, height: height, color: Self.hairline, thickness: hairline)
    }
  }

  /// The sheet as pixels.
  ///
  /// - Throws: `ImageError.noMemory`, `.cannotDraw`.
  func rendered() throws(ImageError) -> Image {
    let canvas = try Canvas(
      width: Int(min(width, 1e6).rounded(.up)), height: Int(min(height, 1e6).rounded(.up)))
    for drawing in drawings { drawing(canvas) }
    return try canvas.image()
  }

  /// The sheet as the contents of a PDF file of one page.
  ///
  /// - Throws: `ImageError.noMemory`.
  func pdfData() throws(ImageError) -> [UInt8] {
    let canvas = try Canvas(page: (width.rounded(.up), height.rounded(.up)))
    for drawing in drawings { drawing(canvas) }
    return try canvas.pdfData()
  }
}

extension Sheet {
  /// What an outline is, for readers.
  static let outlineNote = "The white line is the border of the region that was given as right."

  /// The first of many notes, and how many are left out.
  static func shortened(_ notes: [String], to limit: Int) -> [String] {
    guard notes.count > limit else { return notes }
    let hidden = notes.count - limit + 1
    return notes.prefix(limit - 1) + ["\(hidden) more notes are in the document."]
  }

  /// Adds a label in bold, from `top` on in at most `limit` lines, and its probability behind it,
  /// which no label pushes out; returns the lower end of the last line.
  mutating func writeHeading(
    _ label: String, _ probability: Double?, x: Double, top: Double, size: Double, width: Double,
    limit: Int
  ) -> Double {
    let share = probability.map(Text.percent) ?? ""
    let gap = 0.6 * size
    let reserve = share.isEmpty ? 0 : self.width(of: share, size: size) + gap
    let flow = flow(width: width, size: size, typeface: .bold)
    let lines = flow.lines(of: label, limit: limit, reserve: reserve)
    var y = top
    for line in lines {
      write(line, x: x, y: y + size, size: size, typeface: .bold)
      y += 1.25 * size
    }
    if !share.isEmpty {
      let last = lines.last ?? ""
      if lines.isEmpty { y += 1.25 * size }
      write(
        share, x: x + (last.isEmpty ? 0 : flow.measure(last) + gap), y: y - 0.25 * size,
        size: size, color: Self.grey)
    }
    return y
  }
}
