internal import CTIFF

/// The functions of libtiff that are called (tiffio.h), loaded when the first TIFF file is read.
struct LibTIFF: @unchecked Sendable {
  let open:
    @convention(c) (
      UnsafePointer<CChar>, UnsafePointer<CChar>, thandle_t?, TIFFReadWriteProc?,
      TIFFReadWriteProc?, TIFFSeekProc?, TIFFCloseProc?, TIFFSizeProc?, TIFFMapFileProc?,
      TIFFUnmapFileProc?
    ) -> OpaquePointer?
  let close: @convention(c) (OpaquePointer) -> Void
  let pageCount: @convention(c) (OpaquePointer) -> tdir_t
  let choosePage: @convention(c) (OpaquePointer, tdir_t) -> CInt
  private let field: @convention(c) (OpaquePointer, UInt32, UnsafeMutableRawPointer) -> CInt
  private let fieldOrDefault:
    @convention(c) (OpaquePointer, UInt32, UnsafeMutableRawPointer) -> CInt
  let canBecomeRGBA: @convention(c) (OpaquePointer, UnsafeMutablePointer<CChar>) -> CInt
  let readRGBA:
    @convention(c) (
      OpaquePointer, UInt32, UInt32, UnsafeMutablePointer<UInt32>, CInt, CInt
    ) -> CInt
  let isTiled: @convention(c) (OpaquePointer) -> CInt
  let tileSize: @convention(c) (OpaquePointer) -> tmsize_t
  let rowSize: @convention(c) (OpaquePointer) -> tmsize_t
  let readTile:
    @convention(c) (
      OpaquePointer, UnsafeMutableRawPointer, UInt32, UInt32, UInt32, UInt16
    ) -> tmsize_t
  let readRow: @convention(c) (OpaquePointer, UnsafeMutableRawPointer, UInt32, UInt16) -> CInt

  /// The library, told to print nothing; `nil` where the system has none.
  static let loaded: LibTIFF? = {
    guard
      let library = SharedLibrary("libtiff.so.6", "libtiff.so", "libtiff.dylib")
    else { return nil }
    return try? LibTIFF(library)
  }()

  private init(_ library: SharedLibrary) throws(SharedLibrary.Missing) {
    open = try library.function("TIFFClientOpen")
    close = try library.function("TIFFClose")
    pageCount = try library.function("TIFFNumberOfDirectories")
    choosePage = try library.function("TIFFSetDirectory")
    field = try library.function("TIFFVGetField")
    fieldOrDefault = try library.function("TIFFVGetFieldDefaulted")
    canBecomeRGBA = try library.function("TIFFRGBAImageOK")
    readRGBA = try library.function("TIFFReadRGBAImageOriented")
    isTiled = try library.function("TIFFIsTiled")
    tileSize = try library.function("TIFFTileSize")
    rowSize = try library.function("TIFFScanlineSize")
    readTile = try library.function("TIFFReadTile")
    readRow = try library.function("TIFFReadScanline")
    typealias SetHandler = @convention(c) (UnsafeRawPointer?) -> UnsafeRawPointer?
    _ = try library.function("TIFFSetErrorHandler", as: SetHandler.self)(nil)
    _ = try library.function("TIFFSetWarningHandler", as: SetHandler.self)(nil)
  }

  /// A whole number that a file says under a tag.
  ///
  /// - Parameters:
  ///   - file: The open file.
  ///   - tag: The tag.
  ///   - zero: Of the type that libtiff writes for the tag.
  ///   - orDefault: Whether what the format says counts where the file says nothing.
  /// - Returns: `nil` where neither says anything.
  func number<Number: FixedWidthInteger>(
    _ file: OpaquePointer, _ tag: CInt, _ zero: Number, orDefault: Bool
  ) -> Int? {
    var value = zero
    let found = withUnsafeMutablePointer(to: &value) { target in
      withVaList([target]) { list in
        var list = list
        return withUnsafeMutableBytes(of: &list) { bytes -> CInt in
          guard let address = bytes.baseAddress else { return 0 }
          // A list of the size of a pointer is one; a larger one is passed by its address.
          let argument =
            bytes.count == MemoryLayout<UnsafeRawPointer>.size
            ? address.load(as: UnsafeMutableRawPointer.self) : address
          return (orDefault ? fieldOrDefault : field)(file, UInt32(tag), argument)
        }
      }
    }
    return found != 0 ? Int(value) : nil
  }
}
