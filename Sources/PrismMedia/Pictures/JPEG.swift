internal import CTurboJPEG

/// JPEG through the TurboJPEG interface of libjpeg-turbo, which returns errors instead of jumping.
enum JPEG {
  /// The most scans of a progressive file; programs write some ten.
  private static let scanLimit = 200
  /// The most pixels times scans, relative to the limit of pixels: what a decoder works through.
  private static let workLimit = 20

  /// Decodes a JPEG file of 8 bits per sample: grey, colour, or CMYK as Adobe's programs write it.
  static func decode(
    _ bytes: [UInt8], name: String, options: PictureOptions
  ) throws(ImageError) -> Image {
    let header = try header(of: bytes, name: name)
    let (width, height) = (header.width, header.height)
    try options.admit(name, width: width, height: height)
    let scans = scanCount(bytes[header.firstScan...])
    guard scans <= scanLimit, scans * width * height <= workLimit * options.pixelLimit else {
      throw .corrupt(name, reason: "\(scans) scans of \(width)×\(height) pixels are no picture")
    }
    let channels = header.components == 4 ? 4 : 3
    guard let library = LibTurboJPEG.loaded else {
      throw .unreadable(
        name, reason: "JPEG needs libjpeg-turbo; install the package libturbojpeg0")
    }
    guard let decoder = library.createDecoder() else {
      throw .unreadable(name, reason: "no memory for the decoder")
    }
    defer { _ = library.destroy(decoder) }
    var samples = [UInt8](repeating: 0, count: width * height * channels)
    let format = channels == 4 ? TJPF_CMYK : TJPF_RGB
    let status = bytes.withUnsafeBufferPointer { source in
      samples.withUnsafeMutableBufferPointer { target in
        library.decode(
          decoder, source.baseAddress, CUnsignedLong(source.count), target.baseAddress, CInt(width),
          CInt(width * channels), CInt(height), CInt(format.rawValue),
          CInt(TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS))
      }
    }
    if status != 0 {
      let isWhole = hasEnd(bytes[header.firstScan...])
      try check(library, decoder, name: name, isWhole: isWhole)
    }
    let image = Image(
      width: width, height: height, pixels: channels == 4 ? rgb(cmyk: samples) : samples,
      deep: nil, origin: PictureOrigin(format: PictureFormat.jpeg.rawValue))
    return image.oriented(header.orientation)
  }

  private struct Header {
    var width = 0
    var height = 0
    var components = 0
    var orientation = 1
    /// Where the data of the first scan begins.
    var firstScan = 0
  }

  /// Reads the segments in front of the first scan.
  private static func header(of bytes: [UInt8], name: String) throws(ImageError) -> Header {
    var header = Header()
    var position = 2
    while true {
      // A marker: 0xFF, as many more 0xFF as the writer likes, and the code.
      guard position < bytes.count else { throw .truncated(name) }
      guard bytes[position] == 0xFF else {
        throw .corrupt(name, reason: "no marker where a segment should begin")
      }
      while position < bytes.count, bytes[position] == 0xFF { position += 1 }
      guard position < bytes.count else { throw .truncated(name) }
      let marker = bytes[position]
      position += 1
      if marker == 0x01 || (0xD0...0xD7).contains(marker) { continue }
      if marker == 0xD9 { throw .corrupt(name, reason: "it ends before the picture begins") }

      guard bytes.count - position >= 2 else { throw .truncated(name) }
      let length = Int(bytes[position]) << 8 | Int(bytes[position + 1])
      guard length >= 2 else { throw .corrupt(name, reason: "a segment without a length") }
      guard bytes.count - position >= length else { throw .truncated(name) }
      let segment = bytes[(position + 2)..<(position + length)]
      position += length

      switch marker {
      case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF:
        let fields = Array(segment.prefix(6))
        guard fields.count == 6 else { throw .corrupt(name, reason: "the header is too short") }
        guard fields[0] == 8 else {
          throw .unsupported(name, reason: "a JPEG with \(fields[0]) bits per sample")
        }
        header.height = Int(fields[1]) << 8 | Int(fields[2])
        header.width = Int(fields[3]) << 8 | Int(fields[4])
        header.components = Int(fields[5])
        guard [1, 3, 4].contains(header.components) else {
          throw .unsupported(name, reason: "a JPEG with \(header.components) components")
        }
        guard header.width > 0, header.height > 0 else {
          throw .corrupt(name, reason: "the header says \(header.width)×\(header.height) pixels")
        }
      case 0xE1 where segment.starts(with: Array("Exif\0\0".utf8)):
        header.orientation = EXIF.orientation(in: segment.dropFirst(6)) ?? header.orientation
      case 0xDA:
        guard header.width > 0 else { throw .corrupt(name, reason: "a scan before the header") }
        header.firstScan = position
        return header
      default: break
      }
    }
  }

  /// Turns the decoder's complaint into an error, unless it is one that every viewer ignores.
  private static func check(
    _ library: LibTurboJPEG, _ decoder: tjhandle, name: String, isWhole: Bool
  ) throws(ImageError) {
    let message = library.message(decoder).map { String(cString: $0) } ?? "unknown error"
    let words = message.lowercased()
    if words.contains("premature end") || !isWhole { throw .truncated(name) }
    if library.errorCode(decoder) == CInt(TJERR_WARNING.rawValue),
      words.contains("extraneous bytes")
    {
      return
    }
    if words.contains("unsupported") || words.contains("not supported") || words.contains("sorry") {
      throw .unsupported(name, reason: "this kind of JPEG (\(message))")
    }
    throw .corrupt(name, reason: message)
  }

  /// The number of scans, by their markers; inside the data of a scan none can occur.
  private static func scanCount(_ bytes: ArraySlice<UInt8>) -> Int {
    1 + zip(bytes, bytes.dropFirst()).count { $0 == 0xFF && $1 == 0xDA }
  }

  /// Whether the marker that ends a picture is there; inside the data of a scan it cannot occur.
  private static func hasEnd(_ bytes: ArraySlice<UInt8>) -> Bool {
    zip(bytes, bytes.dropFirst()).contains { $0 == 0xFF && $1 == 0xD9 }
  }

  /// Adobe's inverted CMYK as RGB, without a colour profile.
  private static func rgb(cmyk: [UInt8]) -> [UInt8] {
    let count = cmyk.count / 4
    return [UInt8](unsafeUninitializedCapacity: count * 3) { target, initialized in
      for i in 0..<count {
        let key = Int(cmyk[4 * i + 3])
        for channel in 0..<3 {
          target[3 * i + channel] = UInt8((Int(cmyk[4 * i + channel]) * key + 127) / 255)
        }
      }
      initialized = count * 3
    }
  }
}
