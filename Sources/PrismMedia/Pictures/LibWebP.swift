internal import CWebP

/// The functions of libwebp that are called (webp/decode.h), loaded when the first WebP file is
/// read.
struct LibWebP: @unchecked Sendable {
  /// Fills a picture's samples: bytes, their count, the samples, their count, the bytes of a row.
  typealias Decode =
    @convention(c) (
      UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<UInt8>?, Int, CInt
    ) -> UnsafeMutablePointer<UInt8>?

  let features:
    @convention(c) (
      UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<WebPBitstreamFeatures>, CInt
    ) -> VP8StatusCode
  let decodeRGB: Decode
  let decodeRGBA: Decode

  /// The library; `nil` where the system has none.
  static let loaded: LibWebP? = {
    guard let library = SharedLibrary("libwebp.so.7", "libwebp.so", "libwebp.dylib") else {
      return nil
    }
    return try? LibWebP(library)
  }()

  private init(_ library: SharedLibrary) throws(SharedLibrary.Missing) {
    features = try library.function("WebPGetFeaturesInternal")
    decodeRGB = try library.function("WebPDecodeRGBInto")
    decodeRGBA = try library.function("WebPDecodeRGBAInto")
  }
}
