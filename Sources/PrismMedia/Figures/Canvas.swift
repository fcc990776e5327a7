internal import CCairo

/// A surface to draw on, measured in pixels from its upper left corner.
///
/// A thin cover over a cairo context, so that figures can be drawn to any surface cairo has.
public final class Canvas {
  private let cairo: LibCairo
  let context: OpaquePointer
  private let surface: OpaquePointer
  private let document: Document?

  /// The largest width or height of a surface of pixels.
  static let extentLimit = 32_000

  /// Loads what drawing needs, so that a first figure need not wait for it; may be called on any
  /// thread.
  package static func prepare() { Typeface.prepare() }

  /// What draws.
  ///
  /// - Throws: `ImageError.cannotDraw` where the system has no cairo.
  private static func library() throws(ImageError) -> LibCairo {
    guard let cairo = LibCairo.loaded else {
      throw .cannotDraw("figures need cairo; install the package libcairo2")
    }
    return cairo
  }

  /// A canvas of pixels, white at first.
  ///
  /// - Throws: `ImageError.cannotDraw` beyond `extentLimit` and where the system has no cairo,
  ///   `.noMemory`.
  init(width: Int, height: Int) throws(ImageError) {
    guard (1...Self.extentLimit).contains(width), (1...Self.extentLimit).contains(height) else {
      throw .cannotDraw(
        "a figure of \(width)×\(height) pixels is too large; show fewer labels or methods at a time"
      )
    }
    let cairo = try Self.library()
    guard
      let surface = cairo.createPixels(CAIRO_FORMAT_RGB24, CInt(width), CInt(height)),
      let context = cairo.create(surface), cairo.status(context) == CAIRO_STATUS_SUCCESS
    else { throw .noMemory(width: width, height: height) }
    self.cairo = cairo
    self.surface = surface
    self.context = context
    document = nil
    clear(width: Double(width), height: Double(height))
  }

  /// A page of a PDF document, measured in points, white at first.
  ///
  /// - Parameter page: The extents, each at least 1.
  /// - Throws: `ImageError.noMemory`, `.cannotDraw` where the system has no cairo.
  init(page: (width: Double, height: Double)) throws(ImageError) {
    let cairo = try Self.library()
    let document = Document()
    let closure = Unmanaged.passUnretained(document).toOpaque()
    guard
      let surface = cairo.createPDF(
        { closure, data, length in
          guard let closure, let data else { return CAIRO_STATUS_WRITE_ERROR }
          Unmanaged<Document>.fromOpaque(closure).takeUnretainedValue().bytes +=
            UnsafeBufferPointer(start: data, count: Int(length))
          return CAIRO_STATUS_SUCCESS
        }, closure, page.width, page.height),
      let context = cairo.create(surface), cairo.status(context) == CAIRO_STATUS_SUCCESS
    else { throw .noMemory(width: Int(page.width), height: Int(page.height)) }
    // The same drawing gives the same bytes: no date.
    cairo.setMetadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, "")
    self.cairo = cairo
    self.surface = surface
    self.context = context
    self.document = document
    clear(width: page.width, height: page.height)
  }

  /// Receives the bytes of a document.
  private final class Document {
    var bytes: [UInt8] = []
  }

  private func clear(width: Double, height: Double) {
    // The same letters on every surface: positions are not rounded to pixels.
    let options = cairo.createOptions()
    cairo.setAntialias(options, CAIRO_ANTIALIAS_GRAY)
    cairo.setHintStyle(options, CAIRO_HINT_STYLE_SLIGHT)
    cairo.setHintMetrics(options, CAIRO_HINT_METRICS_OFF)
    cairo.setOptions(context, options)
    cairo.destroyOptions(options)
    fill(x: 0, y: 0, width: width, height: height, color: .white)
  }

  /// Ends a page of a PDF document; nothing can be drawn afterwards.
  ///
  /// - Returns: The file's contents; empty for a canvas of pixels.
  func pdfData() throws(ImageError) -> [UInt8] {
    cairo.finish(surface)
    guard cairo.surfaceStatus(surface) == CAIRO_STATUS_SUCCESS, let document else {
      throw .noMemory(width: 0, height: 0)
    }
    return document.bytes
  }

  deinit {
    cairo.destroy(context)
    cairo.destroySurface(surface)
  }

  /// Fills a rectangle.
  func fill(x: Double, y: Double, width: Double, height: Double, color: RGB) {
    setColor(color)
    cairo.rectangle(context, x, y, width, height)
    cairo.fill(context)
  }

  /// Draws the outline of a rectangle, just outside of it.
  func frame(
    x: Double, y: Double, width: Double, height: Double, color: RGB, thickness: Double
  ) {
    setColor(color)
    cairo.setLineWidth(context, thickness)
    cairo.rectangle(
      context, x - thickness / 2, y - thickness / 2, width + thickness, height + thickness)
    cairo.stroke(context)
  }

  /// Draws a straight line.
  func line(
    from start: (x: Double, y: Double), to end: (x: Double, y: Double), color: RGB,
    thickness: Double
  ) {
    setColor(color)
    cairo.setLineWidth(context, thickness)
    cairo.moveTo(context, start.x, start.y)
    cairo.lineTo(context, end.x, end.y)
    cairo.stroke(context)
  }

  /// Draws many straight lines at once, with square ends.
  func lines(
    _ lines: [(from: (x: Double, y: Double), to: (x: Double, y: Double))], color: RGB,
    thickness: Double
  ) {
    setColor(color)
    cairo.setLineWidth(context, thickness)
    cairo.setLineCap(context, CAIRO_LINE_CAP_SQUARE)
    for line in lines {
      cairo.moveTo(context, line.from.x, line.from.y)
      cairo.lineTo(context, line.to.x, line.to.y)
    }
    cairo.stroke(context)
    cairo.setLineCap(context, CAIRO_LINE_CAP_BUTT)
  }

  /// Draws a picture into a rectangle; at its own size and a whole position, its pixels are copied
  /// as they are.
  func draw(_ image: Image, x: Double, y: Double, width: Double, height: Double) {
    let (columns, rows) = (image.width, image.height)
    guard
      let source = cairo.createPixels(CAIRO_FORMAT_RGB24, CInt(columns), CInt(rows))
    else { return }
    defer { cairo.destroySurface(source) }
    guard let data = cairo.data(source) else { return }
    let stride = Int(cairo.stride(source))
    image.pixels.withUnsafeBufferPointer { pixels in
      for row in 0..<rows {
        let line = UnsafeMutableRawPointer(data + row * stride)
        for column in 0..<columns {
          let i = 3 * (row * columns + column)
          let word = UInt32(pixels[i]) << 16 | UInt32(pixels[i + 1]) << 8 | UInt32(pixels[i + 2])
          line.storeBytes(of: word, toByteOffset: 4 * column, as: UInt32.self)
        }
      }
    }
    cairo.markDirty(source)
    cairo.save(context)
    cairo.translate(context, x, y)
    cairo.scale(context, width / Double(columns), height / Double(rows))
    cairo.setSourceSurface(context, source, 0, 0)
    cairo.setFilter(cairo.source(context), CAIRO_FILTER_NEAREST)
    cairo.rectangle(context, 0, 0, Double(columns), Double(rows))
    cairo.fill(context)
    cairo.restore(context)
  }

  /// Writes one line of text, with the left end of its base line at a point.
  func write(
    _ text: String, x: Double, y: Double, size: Double, typeface: Typeface = .regular, color: RGB
  ) {
    setColor(color)
    if Pango.isNeeded(for: text),
      let line = Pango.Line(text, size: size, typeface: typeface, cairo: cairo, on: context)
    {
      return line.show(x: x, y: y)
    }
    typeface.select(cairo, on: context)
    cairo.setFontSize(context, size)
    cairo.moveTo(context, x, y)
    cairo.showText(context, text)
    cairo.newPath(context)
  }

  /// Writes one line of text from a point upwards.
  func writeUpwards(
    _ text: String, x: Double, y: Double, size: Double, typeface: Typeface = .regular, color: RGB
  ) {
    cairo.save(context)
    cairo.translate(context, x, y)
    cairo.rotate(context, -Double.pi / 2)
    write(text, x: 0, y: 0, size: size, typeface: typeface, color: color)
    cairo.restore(context)
  }

  /// How far one line of text reaches to the right.
  func width(of text: String, size: Double, typeface: Typeface = .regular) -> Double {
    if Pango.isNeeded(for: text),
      let line = Pango.Line(text, size: size, typeface: typeface, cairo: cairo, on: context)
    {
      return line.width
    }
    typeface.select(cairo, on: context)
    cairo.setFontSize(context, size)
    var extents = cairo_text_extents_t()
    cairo.textExtents(context, text, &extents)
    return extents.x_advance
  }

  /// What has been drawn.
  func image() throws(ImageError) -> Image {
    cairo.flush(surface)
    let width = Int(cairo.width(surface))
    let height = Int(cairo.height(surface))
    let stride = Int(cairo.stride(surface))
    guard let data = cairo.data(surface) else {
      throw .noMemory(width: width, height: height)
    }
    let pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { target, count in
      for row in 0..<height {
        let line = UnsafeRawPointer(data + row * stride)
        for column in 0..<width {
          let word = line.load(fromByteOffset: 4 * column, as: UInt32.self)
          let i = 3 * (row * width + column)
          target[i] = UInt8(truncatingIfNeeded: word >> 16)
          target[i + 1] = UInt8(truncatingIfNeeded: word >> 8)
          target[i + 2] = UInt8(truncatingIfNeeded: word)
        }
      }
      count = width * height * 3
    }
    return Image(width: width, height: height, exactly: pixels)
  }

  private func setColor(_ color: RGB) {
    cairo.setSourceRGB(
      context, Double(color.red) / 255, Double(color.green) / 255, Double(color.blue) / 255)
  }
}
