internal import CPNG

/// Reading PNG through libpng's simplified interface, which returns errors instead of jumping.
enum PNG {
  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  /// The largest width or height that libpng accepts by default.
  private static let extentLimit = 1_000_000

  static func recognises(_ bytes: [UInt8]) -> Bool { bytes.starts(with: signature) }

  /// Decodes a PNG file.
  ///
  /// Samples are taken as sRGB whatever the file says about gamma and profiles (as Pillow does); 16-bit samples
  /// become 8-bit ones by division by 257, rounded; transparency is composed in sRGB on the background.
  static func decode(
    _ bytes: [UInt8], name: String, background: RGB, pixelLimit: Int
  ) throws(ImageError) -> Image {
    let essence = try essence(of: bytes, name: name, pixelLimit: pixelLimit)
    let (width, height) = (essence.width, essence.height)
    let channels = essence.hasAlpha ? 4 : 3

    var image = png_image()
    image.version = png_uint_32(PNG_IMAGE_VERSION)
    defer { png_image_free(&image) }
    // libpng reads from the memory between the two calls, so both happen while the pointer is valid.
    let samples: [UInt8]? = essence.bytes.withUnsafeBytes { source in
      guard png_image_begin_read_from_memory(&image, source.baseAddress, source.count) != 0,
        Int(image.width) == width, Int(image.height) == height
      else { return nil }
      image.flags |= png_uint_32(PNG_IMAGE_FLAG_16BIT_sRGB)
      image.format = png_uint_32(
        essence.hasAlpha ? PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_ALPHA : PNG_FORMAT_FLAG_COLOR)
      var succeeded = false
      let samples = [UInt8](unsafeUninitializedCapacity: width * height * channels) {
        target, count in
        succeeded = png_image_finish_read(&image, nil, target.baseAddress, 0, nil) != 0
        count = succeeded ? width * height * channels : 0
      }
      return succeeded ? samples : nil
    }
    guard let samples else { throw .corrupt(name, reason: message(of: image)) }
    return Image(
      width: width, height: height,
      exactly: essence.hasAlpha ? composed(samples, on: background) : samples)
  }

  private struct Essence {
    var width: Int
    var height: Int
    var hasAlpha: Bool
    var bytes: [UInt8]
  }

  /// Checks the frame of a file and keeps only the chunks that decide what the pixels are.
  ///
  /// Without the rest, gamma and colour profiles have no say, and nothing else can be attacked through them.
  private static func essence(
    of bytes: [UInt8], name: String, pixelLimit: Int
  ) throws(ImageError) -> Essence {
    func number(at i: Int) -> Int {
      Int(bytes[i]) << 24 | Int(bytes[i + 1]) << 16 | Int(bytes[i + 2]) << 8 | Int(bytes[i + 3])
    }
    guard bytes.count >= 33 else { throw .truncated(name) }
    guard number(at: 8) == 13, bytes[12..<16].elementsEqual("IHDR".utf8) else {
      throw .corrupt(name, reason: "it does not begin with its header")
    }
    let (width, height) = (number(at: 16), number(at: 20))
    guard width > 0, height > 0, width < 1 << 31, height < 1 << 31 else {
      throw .corrupt(name, reason: "the header says \(width)×\(height) pixels")
    }
    guard width <= extentLimit, height <= extentLimit, width * height <= pixelLimit else {
      throw .tooLarge(name, width: width, height: height, limit: pixelLimit)
    }

    var essence = Essence(
      width: width, height: height, hasAlpha: bytes[25] & 4 != 0, bytes: signature)
    essence.bytes.reserveCapacity(bytes.count)
    var position = 8
    var dataCount = 0
    var ended = false
    while !ended {
      guard bytes.count - position >= 12 else { throw .truncated(name) }
      let length = number(at: position)
      guard length <= bytes.count - position - 12 else { throw .truncated(name) }
      let kind = String(decoding: bytes[(position + 4)..<(position + 8)], as: UTF8.self)
      let chunk = bytes[position..<(position + 12 + length)]
      switch kind {
      case "IHDR", "PLTE": essence.bytes += chunk
      case "IDAT":
        dataCount += length
        essence.bytes += chunk
      case "tRNS":
        essence.hasAlpha = true
        essence.bytes += chunk
      case "IEND":
        ended = true
        essence.bytes += chunk
      default: break
      }
      position += 12 + length
    }
    // Deflate makes at most 1032 bytes of one: a small file cannot ask for a huge picture.
    let bitsPerPixel = Int(bytes[24]) * [1, 1, 3, 1, 2, 1, 4, 1][Int(bytes[25] & 7)]
    guard width * bitsPerPixel / 8 * height / 1032 <= dataCount else {
      throw .corrupt(name, reason: "too little data for \(width)×\(height) pixels")
    }
    return essence
  }

  /// Composes RGBA samples on an opaque colour, in sRGB.
  private static func composed(_ samples: [UInt8], on background: RGB) -> [UInt8] {
    let count = samples.count / 4
    func blend(_ sample: UInt8, _ behind: UInt8, _ alpha: Int) -> UInt8 {
      UInt8((Int(sample) * alpha + Int(behind) * (255 - alpha) + 127) / 255)
    }
    return samples.withUnsafeBufferPointer { source in
      [UInt8](unsafeUninitializedCapacity: count * 3) { target, initialized in
        for i in 0..<count {
          let alpha = Int(source[4 * i + 3])
          target[3 * i] = blend(source[4 * i], background.red, alpha)
          target[3 * i + 1] = blend(source[4 * i + 1], background.green, alpha)
          target[3 * i + 2] = blend(source[4 * i + 2], background.blue, alpha)
        }
        initialized = count * 3
      }
    }
  }

  private static func message(of image: png_image) -> String {
    let text = withUnsafeBytes(of: image.message) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    return text.isEmpty ? "the header contradicts itself" : text
  }
}
