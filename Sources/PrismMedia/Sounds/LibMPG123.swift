internal import CMPG123

/// The functions of libmpg123 that are called (mpg123.h), loaded when the first MP3 file is read.
struct LibMPG123: @unchecked Sendable {
  let create: @convention(c) (UnsafePointer<CChar>?, UnsafeMutablePointer<CInt>) -> OpaquePointer?
  let delete: @convention(c) (OpaquePointer) -> Void
  let set: @convention(c) (OpaquePointer, CInt, Int, Double) -> CInt
  let openFeed: @convention(c) (OpaquePointer) -> CInt
  let feed: @convention(c) (OpaquePointer, UnsafePointer<UInt8>?, Int) -> CInt
  let read:
    @convention(c) (
      OpaquePointer, UnsafeMutableRawPointer?, Int, UnsafeMutablePointer<Int>
    ) -> CInt
  let length: @convention(c) (OpaquePointer) -> Int
  let format:
    @convention(c) (
      OpaquePointer, UnsafeMutablePointer<Int>, UnsafeMutablePointer<CInt>,
      UnsafeMutablePointer<CInt>
    ) -> CInt

  /// The library, made ready; `nil` where the system has none.
  static let loaded: LibMPG123? = {
    guard let library = SharedLibrary("libmpg123.so.0", "libmpg123.so", "libmpg123.dylib") else {
      return nil
    }
    return try? LibMPG123(library)
  }()

  private init(_ library: SharedLibrary) throws(SharedLibrary.Missing) {
    create = try library.function("mpg123_new")
    delete = try library.function("mpg123_delete")
    set = try library.function("mpg123_param")
    openFeed = try library.function("mpg123_open_feed")
    feed = try library.function("mpg123_feed")
    read = try library.function("mpg123_read")
    length = try library.function("mpg123_length")
    format = try library.function("mpg123_getformat")
    // Needed by versions before 1.27.
    typealias Begin = @convention(c) () -> CInt
    _ = try library.function("mpg123_init", as: Begin.self)()
  }
}
