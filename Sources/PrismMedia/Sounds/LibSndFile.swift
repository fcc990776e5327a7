internal import CSndFile

/// The functions of libsndfile that are called (sndfile.h), loaded when the first sound is read or
/// written.
struct LibSndFile: @unchecked Sendable {
  let open:
    @convention(c) (
      UnsafeMutablePointer<SF_VIRTUAL_IO>, CInt, UnsafeMutablePointer<SF_INFO>,
      UnsafeMutableRawPointer?
    ) -> OpaquePointer?
  let close: @convention(c) (OpaquePointer) -> CInt
  let error: @convention(c) (OpaquePointer?) -> CInt
  let text: @convention(c) (OpaquePointer?) -> UnsafePointer<CChar>?
  let textOfError: @convention(c) (CInt) -> UnsafePointer<CChar>?
  let readFrames:
    @convention(c) (OpaquePointer, UnsafeMutablePointer<Float>, sf_count_t) -> sf_count_t
  let writeFrames: @convention(c) (OpaquePointer, UnsafePointer<Int16>, sf_count_t) -> sf_count_t

  /// The library; `nil` where the system has none.
  static let loaded: LibSndFile? = {
    guard let library = SharedLibrary("libsndfile.so.1", "libsndfile.so", "libsndfile.dylib") else {
      return nil
    }
    return try? LibSndFile(library)
  }()

  private init(_ library: SharedLibrary) throws(SharedLibrary.Missing) {
    open = try library.function("sf_open_virtual")
    close = try library.function("sf_close")
    error = try library.function("sf_error")
    text = try library.function("sf_strerror")
    textOfError = try library.function("sf_error_number")
    readFrames = try library.function("sf_readf_float")
    writeFrames = try library.function("sf_writef_short")
  }
}
