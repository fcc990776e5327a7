internal import CWebP

/// Reading WebP through libwebp.
enum WebP {
  /// Decodes a WebP file of one picture.
  static func decode(
    _ bytes: [UInt8], name: String, options: PictureOptions
  ) throws(ImageError) -> Image {
    guard let library = LibWebP.loaded else {
      throw .unreadable(name, reason: "WebP needs libwebp; install the package libwebp7")
    }
    var features = WebPBitstreamFeatures()
    let status = bytes.withUnsafeBufferPointer {
      library.features($0.baseAddress, $0.count, &features, WEBP_DECODER_ABI_VERSION)
    }
    switch status {
    case VP8_STATUS_OK: break
    case VP8_STATUS_NOT_ENOUGH_DATA: throw .truncated(name)
    default: throw .corrupt(name, reason: "its header is wrong")
    }
    guard features.has_animation == 0 else {
      throw .unsupported(name, reason: "a WebP with several frames")
    }
    let (width, height) = (Int(features.width), Int(features.height))
    try options.admit(name, width: width, height: height)
    // The container says how long the file is.
    let length = (0..<4).reduce(0) { $0 | Int(bytes[4 + $1]) << (8 * $1) } + 8
    guard length <= bytes.count else { throw .truncated(name) }
    let channels = features.has_alpha != 0 ? 4 : 3
    var succeeded = false
    let samples = bytes.withUnsafeBufferPointer { source in
      [UInt8](unsafeUninitializedCapacity: width * height * channels) { target, count in
        let size = width * height * channels
        let result =
          channels == 4
          ? library.decodeRGBA(
            source.baseAddress, source.count, target.baseAddress, size, CInt(4 * width))
          : library.decodeRGB(
            source.baseAddress, source.count, target.baseAddress, size, CInt(3 * width))
        succeeded = result != nil
        count = succeeded ? size : 0
      }
    }
    guard succeeded else { throw .corrupt(name, reason: "its data cannot be decoded") }
    var origin = PictureOrigin(format: PictureFormat.webP.rawValue)
    var pixels = samples
    if channels == 4 {
      let (opaque, isComposed) = options.background.composing(rgba: samples)
      pixels = opaque
      if isComposed { origin.notes.append(options.background.compositionNote) }
    }
    return Image(width: width, height: height, pixels: pixels, deep: nil, origin: origin)
  }
}
