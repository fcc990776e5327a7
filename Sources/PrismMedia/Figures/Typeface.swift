internal import CCairo

/// The two faces of DejaVu Sans that figures are written in.
///
/// The font files are opened directly: asking fontconfig for the same faces costs 6 to 80 ms at the
/// first call of a process, this less than one. Only where the files are not found is fontconfig
/// asked.
enum Typeface: Sendable {
  case regular
  case bold

  /// Loads cairo and opens both faces, which otherwise happens when they are first drawn with.
  static func prepare() {
    _ = Self.regularFace
    _ = Self.boldFace
  }

  func select(_ cairo: LibCairo, on context: OpaquePointer) {
    if let face = self == .bold ? Self.boldFace : Self.regularFace {
      cairo.setFace(context, face)
    } else {
      cairo.selectFace(
        context, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
        self == .bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL)
    }
  }

  /// The functions of FreeType that are called, with its library object.
  private struct FreeType: @unchecked Sendable {
    typealias Initialize = @convention(c) (UnsafeMutablePointer<OpaquePointer?>) -> CInt
    typealias NewFace =
      @convention(c) (
        OpaquePointer, UnsafePointer<CChar>, CLong, UnsafeMutablePointer<OpaquePointer?>
      ) -> CInt

    let object: OpaquePointer
    let newFace: NewFace

    init?() {
      var object: OpaquePointer?
      guard
        let library = SharedLibrary("libfreetype.so.6", "libfreetype.so", "libfreetype.6.dylib"),
        let initialize = try? library.function("FT_Init_FreeType", as: Initialize.self),
        let newFace = try? library.function("FT_New_Face", as: NewFace.self),
        initialize(&object) == 0, let object
      else { return nil }
      self.object = object
      self.newFace = newFace
    }
  }

  // Never freed and never changed; cairo counts references atomically and locks a face while it
  // uses it.
  private static let freeType = FreeType()
  nonisolated(unsafe) private static let regularFace = face(named: "DejaVuSans.ttf")
  nonisolated(unsafe) private static let boldFace = face(named: "DejaVuSans-Bold.ttf")

  private static func face(named file: String) -> OpaquePointer? {
    guard let cairo = LibCairo.loaded, let freeType else { return nil }
    let folders = [
      "/usr/share/fonts/truetype/dejavu/", "/usr/share/fonts/dejavu-sans-fonts/",
      "/usr/share/fonts/TTF/", "/usr/share/fonts/dejavu/",
    ]
    for folder in folders {
      var face: OpaquePointer?
      if freeType.newFace(freeType.object, folder + file, 0, &face) == 0, let face {
        return cairo.face(face, 0)
      }
    }
    return nil
  }
}
