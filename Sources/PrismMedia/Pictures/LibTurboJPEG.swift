internal import CTurboJPEG

/// The functions of libjpeg-turbo that are called, loaded when the first JPEG file is read.
struct LibTurboJPEG: @unchecked Sendable {
  let createDecoder: @convention(c) () -> tjhandle?
  /// The file's bytes, their count, the samples, the width, the bytes of a row, the height, the
  /// order of a pixel's samples, flags.
  let decode:
    @convention(c) (
      tjhandle, UnsafePointer<UInt8>?, CUnsignedLong, UnsafeMutablePointer<UInt8>?, CInt, CInt,
      CInt, CInt, CInt
    ) -> CInt
  let message: @convention(c) (tjhandle) -> UnsafePointer<CChar>?
  let errorCode: @convention(c) (tjhandle) -> CInt
  let destroy: @convention(c) (tjhandle) -> CInt

  /// The library; `nil` where the system has none.
  static let loaded: LibTurboJPEG? = {
    guard let library = SharedLibrary("libturbojpeg.so.0", "libturbojpeg.so", "libturbojpeg.dylib")
    else { return nil }
    return try? LibTurboJPEG(library)
  }()

  private init(_ library: SharedLibrary) throws(SharedLibrary.Missing) {
    createDecoder = try library.function("tjInitDecompress")
    decode = try library.function("tjDecompress2")
    message = try library.function("tjGetErrorStr2")
    errorCode = try library.function("tjGetErrorCode")
    destroy = try library.function("tjDestroy")
  }
}
