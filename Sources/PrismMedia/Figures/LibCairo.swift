internal import CCairo

/// The functions of cairo that are called, loaded when the first figure is drawn.
///
/// Cairo brings some fifteen other libraries: a command without figures starts without them, and
/// one with figures loads them while it reads its model (``Canvas/prepare()``).
struct LibCairo: @unchecked Sendable {
  typealias Context = OpaquePointer?
  typealias Surface = OpaquePointer?
  typealias Options = OpaquePointer?

  let create: @convention(c) (Surface) -> OpaquePointer?
  let destroy: @convention(c) (Context) -> Void
  let status: @convention(c) (Context) -> cairo_status_t
  let save: @convention(c) (Context) -> Void
  let restore: @convention(c) (Context) -> Void

  let translate: @convention(c) (Context, Double, Double) -> Void
  let scale: @convention(c) (Context, Double, Double) -> Void
  let rotate: @convention(c) (Context, Double) -> Void

  let setSourceRGB: @convention(c) (Context, Double, Double, Double) -> Void
  let setSourceSurface: @convention(c) (Context, Surface, Double, Double) -> Void
  let source: @convention(c) (Context) -> OpaquePointer?
  let setFilter: @convention(c) (OpaquePointer?, cairo_filter_t) -> Void

  let moveTo: @convention(c) (Context, Double, Double) -> Void
  let lineTo: @convention(c) (Context, Double, Double) -> Void
  let rectangle: @convention(c) (Context, Double, Double, Double, Double) -> Void
  let newPath: @convention(c) (Context) -> Void
  let setLineWidth: @convention(c) (Context, Double) -> Void
  let setLineCap: @convention(c) (Context, cairo_line_cap_t) -> Void
  let fill: @convention(c) (Context) -> Void
  let stroke: @convention(c) (Context) -> Void

  let createOptions: @convention(c) () -> OpaquePointer?
  let destroyOptions: @convention(c) (Options) -> Void
  let setAntialias: @convention(c) (Options, cairo_antialias_t) -> Void
  let setHintStyle: @convention(c) (Options, cairo_hint_style_t) -> Void
  let setHintMetrics: @convention(c) (Options, cairo_hint_metrics_t) -> Void
  let setOptions: @convention(c) (Context, Options) -> Void
  let getOptions: @convention(c) (Context, Options) -> Void

  let selectFace:
    @convention(c) (Context, UnsafePointer<CChar>, cairo_font_slant_t, cairo_font_weight_t) -> Void
  let setFace: @convention(c) (Context, OpaquePointer?) -> Void
  let setFontSize: @convention(c) (Context, Double) -> Void
  let showText: @convention(c) (Context, UnsafePointer<CChar>) -> Void
  let textExtents:
    @convention(c) (Context, UnsafePointer<CChar>, UnsafeMutablePointer<cairo_text_extents_t>) ->
      Void
  /// A face of FreeType's, and its flags for loading.
  let face: @convention(c) (OpaquePointer, CInt) -> OpaquePointer?

  let createPixels: @convention(c) (cairo_format_t, CInt, CInt) -> OpaquePointer?
  let data: @convention(c) (Surface) -> UnsafeMutablePointer<UInt8>?
  let stride: @convention(c) (Surface) -> CInt
  let width: @convention(c) (Surface) -> CInt
  let height: @convention(c) (Surface) -> CInt
  let flush: @convention(c) (Surface) -> Void
  let markDirty: @convention(c) (Surface) -> Void

  let createPDF:
    @convention(c) (cairo_write_func_t, UnsafeMutableRawPointer?, Double, Double) -> OpaquePointer?
  let setMetadata: @convention(c) (Surface, cairo_pdf_metadata_t, UnsafePointer<CChar>) -> Void
  let finish: @convention(c) (Surface) -> Void
  let surfaceStatus: @convention(c) (Surface) -> cairo_status_t
  let destroySurface: @convention(c) (Surface) -> Void

  /// The library; `nil` where the system has none.
  static let loaded: LibCairo? = {
    guard let library = SharedLibrary("libcairo.so.2", "libcairo.so", "libcairo.2.dylib") else {
      return nil
    }
    return try? LibCairo(library)
  }()

  private init(_ library: SharedLibrary) throws(SharedLibrary.Missing) {
    create = try library.function("cairo_create")
    destroy = try library.function("cairo_destroy")
    status = try library.function("cairo_status")
    save = try library.function("cairo_save")
    restore = try library.function("cairo_restore")
    translate = try library.function("cairo_translate")
    scale = try library.function("cairo_scale")
    rotate = try library.function("cairo_rotate")
    setSourceRGB = try library.function("cairo_set_source_rgb")
    setSourceSurface = try library.function("cairo_set_source_surface")
    source = try library.function("cairo_get_source")
    setFilter = try library.function("cairo_pattern_set_filter")
    moveTo = try library.function("cairo_move_to")
    lineTo = try library.function("cairo_line_to")
    rectangle = try library.function("cairo_rectangle")
    newPath = try library.function("cairo_new_path")
    setLineWidth = try library.function("cairo_set_line_width")
    setLineCap = try library.function("cairo_set_line_cap")
    fill = try library.function("cairo_fill")
    stroke = try library.function("cairo_stroke")
    createOptions = try library.function("cairo_font_options_create")
    destroyOptions = try library.function("cairo_font_options_destroy")
    setAntialias = try library.function("cairo_font_options_set_antialias")
    setHintStyle = try library.function("cairo_font_options_set_hint_style")
    setHintMetrics = try library.function("cairo_font_options_set_hint_metrics")
    setOptions = try library.function("cairo_set_font_options")
    getOptions = try library.function("cairo_get_font_options")
    selectFace = try library.function("cairo_select_font_face")
    setFace = try library.function("cairo_set_font_face")
    setFontSize = try library.function("cairo_set_font_size")
    showText = try library.function("cairo_show_text")
    textExtents = try library.function("cairo_text_extents")
    face = try library.function("cairo_ft_font_face_create_for_ft_face")
    createPixels = try library.function("cairo_image_surface_create")
    data = try library.function("cairo_image_surface_get_data")
    stride = try library.function("cairo_image_surface_get_stride")
    width = try library.function("cairo_image_surface_get_width")
    height = try library.function("cairo_image_surface_get_height")
    flush = try library.function("cairo_surface_flush")
    markDirty = try library.function("cairo_surface_mark_dirty")
    createPDF = try library.function("cairo_pdf_surface_create_for_stream")
    setMetadata = try library.function("cairo_pdf_surface_set_metadata")
    finish = try library.function("cairo_surface_finish")
    surfaceStatus = try library.function("cairo_surface_status")
    destroySurface = try library.function("cairo_surface_destroy")
  }
}
