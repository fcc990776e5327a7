internal import CDeflate
internal import CSPNG

/// Reading PNG through libspng, whose interface returns errors instead of jumping.
enum PNG {
  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  /// The largest width or height.
  private static let extentLimit = 1_000_000

  /// Decodes a PNG file.
  ///
  /// Samples are taken as sRGB whatever the file says about gamma and profiles (as Pillow does) and
  /// keep their depth; transparency is composed in sRGB on the background.
  static func decode(
    _ bytes: [UInt8], name: String, options: PictureOptions
  ) throws(ImageError) -> Image {
    let essence = try essence(of: bytes, name: name, options: options)
    let image =
      essence.isDeep
      ? try deep(essence, name: name, options: options)
      : try plain(essence, name: name, options: options)
    return image.oriented(essence.orientation)
  }

  /// A picture of 8 bits or fewer.
  private static func plain(
    _ essence: Essence, name: String, options: PictureOptions
  ) throws(ImageError) -> Image {
    let (width, height) = (essence.width, essence.height)
    let samples: [UInt8] = try read(
      essence, format: essence.hasAlpha ? SPNG_FMT_RGBA8 : SPNG_FMT_RGB8,
      channels: essence.hasAlpha ? 4 : 3, name: name)
    var origin = PictureOrigin(
      format: PictureFormat.png.rawValue, bitDepth: essence.depth)
    guard essence.hasAlpha else {
      return Image(width: width, height: height, pixels: samples, deep: nil, origin: origin)
    }
    let (pixels, isComposed) = options.background.composing(rgba: samples)
    if isComposed { origin.notes.append(options.background.compositionNote) }
    return Image(width: width, height: height, pixels: pixels, deep: nil, origin: origin)
  }

  /// A picture of 16 bits.
  private static func deep(
    _ essence: Essence, name: String, options: PictureOptions
  ) throws(ImageError) -> Image {
    var samples = PictureSamples(
      width: essence.width, height: essence.height, channels: essence.isGrey ? 1 : 3, depth: 16,
      values: [], alpha: nil, format: .png)
    if essence.hasAlpha {
      let all: [UInt16] = try read(essence, format: SPNG_FMT_RGBA16, channels: 4, name: name)
      let count = all.count / 4
      samples.alpha = (0..<count).map { all[4 * $0 + 3] }
      let channels = samples.channels
      samples.values = (0..<count * channels).map { all[4 * ($0 / channels) + $0 % channels] }
    } else {
      // As the file has them: one sample a pixel for grey, three for colour.
      samples.values = try read(
        essence, format: SPNG_FMT_PNG, channels: samples.channels, name: name)
    }
    return try samples.image(name: name, options: options)
  }

  /// The decoded samples.
  private static func read<Sample: FixedWidthInteger>(
    _ essence: Essence, format: spng_format, channels: Int, name: String
  ) throws(ImageError) -> [Sample] {
    guard let context = spng_ctx_new(0) else {
      throw .noMemory(width: essence.width, height: essence.height)
    }
    defer { spng_ctx_free(context) }
    let count = essence.width * essence.height * channels
    let size = count * MemoryLayout<Sample>.stride
    let form = CInt(format.rawValue)
    let flags = CInt(essence.hasAlpha ? SPNG_DECODE_TRNS.rawValue : 0)
    var status: CInt = 0
    var samples: [Sample] = []
    // libspng reads from the memory in every call, so all happen while the pointer is valid.
    essence.bytes.withUnsafeBytes { source in
      status = spng_set_png_buffer(context, source.baseAddress, source.count)
      var expected = 0
      if status == 0 { status = spng_decoded_image_size(context, form, &expected) }
      guard status == 0 else { return }
      guard expected == size else {
        status = CInt(SPNG_EBUFSIZ.rawValue)
        return
      }
      samples = [Sample](unsafeUninitializedCapacity: count) { target, initialized in
        status = spng_decode_image(context, target.baseAddress, size, form, flags)
        initialized = status == 0 ? count : 0
      }
    }
    guard status == 0 else {
      let reason = spng_strerror(status).map { String(cString: $0) } ?? "error \(status)"
      throw .corrupt(name, reason: reason)
    }
    return samples
  }

  private struct Essence {
    var width: Int
    var height: Int
    /// The bits of a sample.
    var depth: Int
    /// The colour type of the header.
    var kind: UInt8
    var hasAlpha: Bool
    var orientation = 1
    var bytes: [UInt8]

    var isDeep: Bool { depth == 16 }
    var isGrey: Bool { kind & 2 == 0 }
  }

  /// Checks the frame of a file and keeps only the chunks that decide what the pixels are.
  ///
  /// Every chunk's check sum must be right, also of those that are left out, and none may be
  /// unknown and critical. Without the rest, gamma and colour profiles have no say, and nothing
  /// else can be attacked through them.
  private static func essence(
    of bytes: [UInt8], name: String, options: PictureOptions
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
    guard width <= extentLimit, height <= extentLimit else {
      throw .tooLarge(name, width: width, height: height, limit: options.pixelLimit)
    }
    try options.admit(name, width: width, height: height)

    var essence = Essence(
      width: width, height: height, depth: Int(bytes[24]), kind: bytes[25],
      hasAlpha: bytes[25] & 4 != 0, bytes: signature)
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
      let sum = checksum(of: chunk.dropFirst(4).dropLast(4))
      guard Int(sum) == number(at: position + 8 + length) else {
        throw .corrupt(name, reason: "the check sum of its part \(shown(kind)) is wrong")
      }
      switch kind {
      case "IHDR": essence.bytes += chunk
      case "PLTE":
        // Colours that no sample can name are left out: programs write them, and libspng refuses
        // them.
        let most = essence.kind == 3 ? 3 << min(essence.depth, 8) : 768
        if length > most {
          append("PLTE", chunk.dropFirst(8).prefix(most), to: &essence.bytes)
        } else {
          essence.bytes += chunk
        }
      case "IDAT":
        dataCount += length
        essence.bytes += chunk
      case "tRNS":
        essence.hasAlpha = true
        essence.bytes += chunk
      case "eXIf":
        essence.orientation =
          EXIF.orientation(in: chunk.dropFirst(8).dropLast(4)) ?? essence.orientation
      case "IEND":
        ended = true
        essence.bytes += chunk
      default:
        // A small first letter says that a reader may pass over what it does not know.
        guard bytes[position + 4] & 0x20 != 0 else {
          throw .corrupt(name, reason: "it has the unknown critical part \(shown(kind))")
        }
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

  /// Puts a chunk at the end of a file.
  static func append(_ kind: String, _ data: some Collection<UInt8>, to file: inout [UInt8]) {
    file += bigEndian(data.count)
    let start = file.count
    file += kind.utf8
    file += data
    file += bigEndian(Int(checksum(of: file[start...])))
  }

  /// Four bytes, the most significant first.
  static func bigEndian(_ number: Int) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
  }

  private static func checksum(of bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.withUnsafeBytes { libdeflate_crc32(0, $0.baseAddress, $0.count) }
  }

  /// The name of a chunk, fit for a line.
  private static func shown(_ kind: String) -> String {
    String(kind.map { $0.isASCII && $0.isLetter ? $0 : "?" })
  }
}
