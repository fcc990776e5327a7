internal import CCairo

/// The two faces of DejaVu Sans that figures are written in.
///
/// The font files are opened directly: asking fontconfig for the same faces costs 6 to 80 ms at the
/// first call of a process, this less than one. Only where the files are not found is fontconfig
/// asked.
enum Typeface: Sendable {
  case regular
  case bold

  func select(on context: OpaquePointer) {
    if let face = self == .bold ? Self.boldFace : Self.regularFace {
      cairo_set_font_face(context, face)
    } else {
      cairo_select_font_face(
        context, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
        self == .bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL)
    }
  }

  // Never freed and never changed; cairo counts references atomically and locks a face while it
  // uses it.
  nonisolated(unsafe) private static let library: FT_Library? = {
    var library: FT_Library?
    return FT_Init_FreeType(&library) == 0 ? library : nil
  }()
  nonisolated(unsafe) private static let regularFace = face(named: "DejaVuSans.ttf")
  nonisolated(unsafe) private static let boldFace = face(named: "DejaVuSans-Bold.ttf")

  private static func face(named file: String) -> OpaquePointer? {
    guard let library else { return nil }
    let folders = [
      "/usr/share/fonts/truetype/dejavu/", "/usr/share/fonts/dejavu-sans-fonts/",
      "/usr/share/fonts/TTF/", "/usr/share/fonts/dejavu/",
    ]
    for folder in folders {
      var face: FT_Face?
      if FT_New_Face(library, folder + file, 0, &face) == 0, let face {
        return cairo_ft_font_face_create_for_ft_face(face, 0)
      }
    }
    return nil
  }
}
