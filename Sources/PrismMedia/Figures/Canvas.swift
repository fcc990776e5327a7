internal import CCairo

/// A surface to draw on, measured in pixels from its upper left corner.
///
/// A thin cover over a cairo context, so that figures can be drawn to any surface cairo has.
public final class Canvas {
  let context: OpaquePointer
  private let surface: OpaquePointer
  private let document: Document?

  /// The largest width or height of a surface of pixels.
  static let extentLimit = 32_000

  /// A canvas of pixels, white at first.
  ///
  /// - Throws: `ImageError.cannotDraw` beyond `extentLimit`, `.noMemory`.
  init(width: Int, height: Int) throws(ImageError) {
    guard (1...Self.extentLimit).contains(width), (1...Self.extentLimit).contains(height) else {
      throw .cannotDraw(
        "a figure of \(width)×\(height) pixels is too large; show fewer labels or methods at a time"
      )
    }
    guard
      let surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, CInt(width), CInt(height)),
      let context = cairo_create(surface), cairo_status(context) == CAIRO_STATUS_SUCCESS
    else { throw .noMemory(width: width, height: height) }
    self.surface = surface
    self.context = context
    document = nil
    prepare(width: Double(width), height: Double(height))
  }

  /// A page of a PDF document, measured in points, white at first.
  ///
  /// - Parameter page: The extents, each at least 1.
  /// - Throws: `ImageError.noMemory`.
  init(page: (width: Double, height: Double)) throws(ImageError) {
    let document = Document()
    let closure = Unmanaged.passUnretained(document).toOpaque()
    guard
      let surface = cairo_pdf_surface_create_for_stream(
        { closure, data, length in
          guard let closure, let data else { return CAIRO_STATUS_WRITE_ERROR }
          Unmanaged<Document>.fromOpaque(closure).takeUnretainedValue().bytes +=
            UnsafeBufferPointer(start: data, count: Int(length))
          return CAIRO_STATUS_SUCCESS
        }, closure, page.width, page.height),
      let context = cairo_create(surface), cairo_status(context) == CAIRO_STATUS_SUCCESS
    else { throw .noMemory(width: Int(page.width), height: Int(page.height)) }
    // The same drawing gives the same bytes: no date.
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, "")
    self.surface = surface
    self.context = context
    self.document = document
    prepare(width: page.width, height: page.height)
  }

  /// Receives the bytes of a document.
  private final class Document {
    var bytes: [UInt8] = []
  }

  private func prepare(width: Double, height: Double) {
    // The same letters on every surface: positions are not rounded to pixels.
    let options = cairo_font_options_create()
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY)
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_SLIGHT)
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF)
    cairo_set_font_options(context, options)
    cairo_font_options_destroy(options)
    fill(x: 0, y: 0, width: width, height: height, color: .white)
  }

  /// Ends a page of a PDF document; nothing can be drawn afterwards.
  ///
  /// - Returns: The file's contents; empty for a canvas of pixels.
  func pdfData() throws(ImageError) -> [UInt8] {
    cairo_surface_finish(surface)
    guard cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS, let document else {
      throw .noMemory(width: 0, height: 0)
    }
    return document.bytes
  }

  deinit {
    cairo_destroy(context)
    cairo_surface_destroy(surface)
  }

  /// Fills a rectangle.
  func fill(x: Double, y: Double, width: Double, height: Double, color: RGB) {
    setColor(color)
    cairo_rectangle(context, x, y, width, height)
    cairo_fill(context)
  }

  /// Draws the outline of a rectangle, just outside of it.
  func frame(
    x: Double, y: Double, width: Double, height: Double, color: RGB, thickness: Double
  ) {
    setColor(color)
    cairo_set_line_width(context, thickness)
    cairo_rectangle(
      context, x - thickness / 2, y - thickness / 2, width + thickness, height + thickness)
    cairo_stroke(context)
  }

  /// Draws a straight line.
  func line(
    from start: (x: Double, y: Double), to end: (x: Double, y: Double), color: RGB,
    thickness: Double
  ) {
    setColor(color)
    cairo_set_line_width(context, thickness)
    cairo_move_to(context, start.x, start.y)
    cairo_line_to(context, end.x, end.y)
    cairo_stroke(context)
  }

  /// Draws many straight lines at once, with square ends.
  func lines(
    _ lines: [(from: (x: Double, y: Double), to: (x: Double, y: Double))], color: RGB,
    thickness: Double
  ) {
    setColor(color)
    cairo_set_line_width(context, thickness)
    cairo_set_line_cap(context, CAIRO_LINE_CAP_SQUARE)
    for line in lines {
      cairo_move_to(context, line.from.x, line.from.y)
      cairo_line_to(context, line.to.x, line.to.y)
    }
    cairo_stroke(context)
    cairo_set_line_cap(context, CAIRO_LINE_CAP_BUTT)
  }

  /// Draws a picture into a rectangle; at its own size and a whole position, its pixels are copied
  /// as they are.
  func draw(_ image: Image, x: Double, y: Double, width: Double, height: Double) {
    let (columns, rows) = (image.width, image.height)
    guard
      let source = cairo_image_surface_create(CAIRO_FORMAT_RGB24, CInt(columns), CInt(rows))
    else { return }
    defer { cairo_surface_destroy(source) }
    guard let data = cairo_image_surface_get_data(source) else { return }
    let stride = Int(cairo_image_surface_get_stride(source))
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
    cairo_surface_mark_dirty(source)
    cairo_save(context)
    cairo_translate(context, x, y)
    cairo_scale(context, width / Double(columns), height / Double(rows))
    cairo_set_source_surface(context, source, 0, 0)
    cairo_pattern_set_filter(cairo_get_source(context), CAIRO_FILTER_NEAREST)
    cairo_rectangle(context, 0, 0, Double(columns), Double(rows))
    cairo_fill(context)
    cairo_restore(context)
  }

  /// Writes one line of text, with the left end of its base line at a point.
  func write(
    _ text: String, x: Double, y: Double, size: Double, typeface: Typeface = .regular, color: RGB
  ) {
    setColor(color)
    if Pango.isNeeded(for: text),
      let line = Pango.Line(text, size: size, typeface: typeface, on: context)
    {
      return line.show(x: x, y: y)
    }
    typeface.select(on: context)
    cairo_set_font_size(context, size)
    cairo_move_to(context, x, y)
    cairo_show_text(context, text)
    cairo_new_path(context)
  }

  /// Writes one line of text from a point upwards.
  func writeUpwards(
    _ text: String, x: Double, y: Double, size: Double, typeface: Typeface = .regular, color: RGB
  ) {
    cairo_save(context)
    cairo_translate(context, x, y)
    cairo_rotate(context, -Double.pi / 2)
    write(text, x: 0, y: 0, size: size, typeface: typeface, color: color)
    cairo_restore(context)
  }

  /// How far one line of text reaches to the right.
  func width(of text: String, size: Double, typeface: Typeface = .regular) -> Double {
    if Pango.isNeeded(for: text),
      let line = Pango.Line(text, size: size, typeface: typeface, on: context)
    {
      return line.width
    }
    typeface.select(on: context)
    cairo_set_font_size(context, size)
    var extents = cairo_text_extents_t()
    cairo_text_extents(context, text, &extents)
    return extents.x_advance
  }

  /// What has been drawn.
  func image() throws(ImageError) -> Image {
    cairo_surface_flush(surface)
    let width = Int(cairo_image_surface_get_width(surface))
    let height = Int(cairo_image_surface_get_height(surface))
    let stride = Int(cairo_image_surface_get_stride(surface))
    guard let data = cairo_image_surface_get_data(surface) else {
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
    cairo_set_source_rgb(
      context, Double(color.red) / 255, Double(color.green) / 255, Double(color.blue) / 255)
  }
}
