/// Text that DejaVu Sans cannot write letter by letter, shaped and with other fonts, through Pango.
///
/// The library is loaded when the first such text is written, not linked: it would lengthen the
/// start of every command by 3 ms, and most figures need none of it. Where it is missing, or the
/// system has no font at all, text is written letter by letter.
enum Pango {
  /// Whether a text needs shaping, an order of its own, or letters that DejaVu Sans may not have.
  static func isNeeded(for text: String) -> Bool {
    text.unicodeScalars.contains { scalar in
      switch scalar.value {
      // Latin, Greek, Cyrillic and Armenian without combining marks; punctuation without controls
      // of direction; superscripts, arrows and signs.
      case 0..<0x300, 0x370..<0x590, 0x1E00..<0x2000, 0x2010..<0x2028, 0x2030..<0x2060,
        0x2070..<0x20D0, 0x2100..<0x2400:
        false
      default: true
      }
    }
  }

  /// One line of text in its final order.
  struct Line: ~Copyable {
    private let functions: Functions
    private let cairo: LibCairo
    private let layout: OpaquePointer
    private let context: OpaquePointer

    /// Lays out a text.
    ///
    /// - Returns: `nil` where Pango or fonts are missing.
    init?(
      _ text: String, size: Double, typeface: Typeface, cairo: LibCairo, on context: OpaquePointer
    ) {
      guard let functions = Pango.functions, let layout = functions.createLayout(context) else {
        return nil
      }
      self.functions = functions
      self.cairo = cairo
      self.layout = layout
      self.context = context
      // The same letters on every surface: positions are not rounded to pixels.
      if let pango = functions.context(layout) {
        let options = cairo.createOptions()
        cairo.getOptions(context, options)
        functions.setOptions(pango, options)
        cairo.destroyOptions(options)
        functions.setRounding(pango, 0)
      }
      if let font = functions.font("DejaVu Sans") {
        functions.setWeight(font, typeface == .bold ? 700 : 400)
        functions.setSize(font, size * Self.unit)
        functions.setFont(layout, font)
        functions.freeFont(font)
      }
      functions.setSingleLine(layout, 1)
      functions.setText(layout, text, -1)
    }

    deinit { functions.release(UnsafeMutableRawPointer(layout)) }

    /// How far the line reaches to the right.
    var width: Double {
      var extents: [Int32] = [0, 0, 0, 0]
      functions.extents(layout, nil, &extents)
      return Double(extents[2]) / Self.unit
    }

    /// Writes the line with the left end of its base line at a point, in the context's colour.
    func show(x: Double, y: Double) {
      cairo.moveTo(context, x, y - Double(functions.baseline(layout)) / Self.unit)
      functions.show(context, layout)
      cairo.newPath(context)
    }

    /// Pango's units in a pixel.
    private static let unit = 1024.0
  }

  /// The functions that are called; pointers to Pango's objects have no type.
  fileprivate struct Functions {
    let createLayout: @convention(c) (OpaquePointer) -> OpaquePointer?
    let context: @convention(c) (OpaquePointer) -> OpaquePointer?
    let setOptions: @convention(c) (OpaquePointer, OpaquePointer?) -> Void
    let setRounding: @convention(c) (OpaquePointer, Int32) -> Void
    let font: @convention(c) (UnsafePointer<CChar>) -> OpaquePointer?
    let setWeight: @convention(c) (OpaquePointer, Int32) -> Void
    let setSize: @convention(c) (OpaquePointer, Double) -> Void
    let setFont: @convention(c) (OpaquePointer, OpaquePointer) -> Void
    let freeFont: @convention(c) (OpaquePointer) -> Void
    let setSingleLine: @convention(c) (OpaquePointer, Int32) -> Void
    let setText: @convention(c) (OpaquePointer, UnsafePointer<CChar>, Int32) -> Void
    /// Of the ink and of the line: left, top, width, height.
    let extents:
      @convention(c) (OpaquePointer, UnsafeMutablePointer<Int32>?, UnsafeMutablePointer<Int32>?)
        -> Void
    let baseline: @convention(c) (OpaquePointer) -> Int32
    let show: @convention(c) (OpaquePointer, OpaquePointer) -> Void
    let release: @convention(c) (UnsafeMutableRawPointer) -> Void
  }

  private static let functions: Functions? = {
    guard
      let library = SharedLibrary(
        "libpangocairo-1.0.so.0", "libpangocairo-1.0.so", "libpangocairo-1.0.0.dylib"),
      hasFonts(library)
    else { return nil }
    return try? Functions(library)
  }()

  /// Whether the system has any font; without one, Pango may end the process.
  private static func hasFonts(_ library: SharedLibrary) -> Bool {
    typealias DefaultMap = @convention(c) () -> OpaquePointer?
    typealias ListFamilies =
      @convention(c) (
        OpaquePointer, UnsafeMutablePointer<UnsafeMutableRawPointer?>, UnsafeMutablePointer<Int32>
      ) -> Void
    typealias Free = @convention(c) (UnsafeMutableRawPointer?) -> Void
    guard
      let defaultMap = try? library.function(
        "pango_cairo_font_map_get_default", as: DefaultMap.self),
      let list = try? library.function("pango_font_map_list_families", as: ListFamilies.self),
      let free = try? library.function("g_free", as: Free.self), let map = defaultMap()
    else { return false }
    var families: UnsafeMutableRawPointer?
    var count: Int32 = 0
    list(map, &families, &count)
    free(families)
    return count > 0
  }
}

extension Pango.Functions {
  /// Finds the functions.
  fileprivate init(_ library: SharedLibrary) throws(SharedLibrary.Missing) {
    createLayout = try library.function("pango_cairo_create_layout")
    context = try library.function("pango_layout_get_context")
    setOptions = try library.function("pango_cairo_context_set_font_options")
    setRounding = try library.function("pango_context_set_round_glyph_positions")
    font = try library.function("pango_font_description_from_string")
    setWeight = try library.function("pango_font_description_set_weight")
    setSize = try library.function("pango_font_description_set_absolute_size")
    setFont = try library.function("pango_layout_set_font_description")
    freeFont = try library.function("pango_font_description_free")
    setSingleLine = try library.function("pango_layout_set_single_paragraph_mode")
    setText = try library.function("pango_layout_set_text")
    extents = try library.function("pango_layout_get_extents")
    baseline = try library.function("pango_layout_get_baseline")
    show = try library.function("pango_cairo_show_layout")
    release = try library.function("g_object_unref")
  }
}
