/// Reading BMP: uncompressed and run-length encoded palettes, and colours by bit fields.
///
/// Source: Microsoft, "Bitmap Storage" (BITMAPFILEHEADER, BITMAPCOREHEADER, BITMAPINFOHEADER and
/// its successors).
enum BMP {
  /// Whether the header after `BM` is one of a bitmap.
  static func recognises(_ bytes: [UInt8]) -> Bool {
    guard bytes.count >= 18 else { return false }
    return [12, 16, 40, 52, 56, 64, 108, 124].contains(Reader(bytes: bytes).long(14))
  }

  /// Decodes a BMP file.
  static func decode(
    _ bytes: [UInt8], name: String, options: PictureOptions
  ) throws(ImageError) -> Image {
    let header = try Header(bytes, name: name, options: options)
    var origin = PictureOrigin(format: PictureFormat.bmp.rawValue)
    var pixels: [UInt8]
    if header.bits <= 8 {
      let indices =
        header.isRunLength
        ? try unpacked(bytes, header, name: name) : try plainIndices(bytes, header, name: name)
      let palette = try header.palette(bytes, name: name)
      pixels = []
      pixels.reserveCapacity(3 * indices.count)
      for index in indices {
        guard Int(index) < palette.count else {
          throw .corrupt(name, reason: "a pixel has the colour \(index) of \(palette.count)")
        }
        let color = palette[Int(index)]
        pixels += [color.red, color.green, color.blue]
      }
    } else {
      var isComposed = false
      pixels = try colors(
        bytes, header, name: name, background: options.background, isComposed: &isComposed)
      if isComposed { origin.notes.append(options.background.compositionNote) }
    }
    return Image(
      width: header.width, height: header.height, pixels: pixels, deep: nil, origin: origin)
  }

  /// Little-endian numbers; zero beyond the end.
  private struct Reader {
    let bytes: [UInt8]

    func short(_ i: Int) -> Int { byte(i) | byte(i + 1) << 8 }
    func long(_ i: Int) -> Int { short(i) | short(i + 2) << 16 }
    func signed(_ i: Int) -> Int { Int(Int32(truncatingIfNeeded: long(i))) }
    private func byte(_ i: Int) -> Int { i < bytes.count ? Int(bytes[i]) : 0 }
  }

  private struct Header {
    let width, height: Int
    /// Whether the first row is the top one.
    let isTopDown: Bool
    let bits: Int
    let isRunLength: Bool
    /// Red, green, blue and alpha.
    let masks: [Int]
    let dataStart: Int
    private let paletteStart, paletteCount, paletteStep: Int

    init(_ bytes: [UInt8], name: String, options: PictureOptions) throws(ImageError) {
      let reader = Reader(bytes: bytes)
      let size = reader.long(14)
      guard bytes.count >= 14 + size, size >= 12 else { throw .truncated(name) }
      let isCore = size == 12
      let (w, h) =
        isCore ? (reader.short(18), reader.short(20)) : (reader.signed(18), reader.signed(22))
      bits = reader.short(isCore ? 24 : 28)
      let compression = isCore ? 0 : reader.long(30)
      guard w > 0, h != 0, abs(h) < 1 << 31 else {
        throw .corrupt(name, reason: "the header says \(w)×\(h) pixels")
      }
      (width, height, isTopDown) = (w, abs(h), h < 0)
      try options.admit(name, width: width, height: height)
      isRunLength = compression == 1 || compression == 2
      let isKnown =
        switch compression {
        case 0: [1, 2, 4, 8, 16, 24, 32].contains(bits)
        case 1: bits == 8
        case 2: bits == 4
        case 3, 6: bits == 16 || bits == 32
        default: false
        }
      guard isKnown, !(isRunLength && isTopDown) else {
        throw .unsupported(
          name, reason: "a BMP of \(bits) bits with the compression \(compression)")
      }
      var masks = bits == 16 ? [0x7C00, 0x3E0, 0x1F, 0] : [0xFF0000, 0xFF00, 0xFF, 0]
      let separate = size == 40 && compression >= 3 ? (compression == 6 ? 16 : 12) : 0
      if compression == 3 || compression == 6 {
        masks = (0..<4).map {
          $0 < 3 || size >= 56 || compression == 6 ? reader.long(54 + 4 * $0) : 0
        }
      }
      self.masks = masks
      dataStart = reader.long(10)
      paletteStart = 14 + size + separate
      paletteStep = isCore ? 3 : 4
      let stated = isCore ? 0 : reader.long(46)
      paletteCount = bits <= 8 ? (stated > 0 ? min(stated, 1 << bits) : 1 << bits) : 0
      guard dataStart >= 14 + size, dataStart <= bytes.count else { throw .truncated(name) }
    }

    func palette(_ bytes: [UInt8], name: String) throws(ImageError) -> [RGB] {
      guard paletteStart + paletteCount * paletteStep <= bytes.count else { throw .truncated(name) }
      return (0..<paletteCount).map { i in
        let at = paletteStart + paletteStep * i
        return RGB(bytes[at + 2], bytes[at + 1], bytes[at])
      }
    }

    /// The bytes of a row, filled to a multiple of four.
    var stride: Int { (width * bits + 31) / 32 * 4 }

    /// Where a row from the top begins.
    func start(_ y: Int) -> Int { dataStart + stride * (isTopDown ? y : height - 1 - y) }
  }

  private static func plainIndices(
    _ bytes: [UInt8], _ header: Header, name: String
  ) throws(ImageError) -> [UInt8] {
    guard header.dataStart + header.stride * header.height <= bytes.count else {
      throw .truncated(name)
    }
    let (bits, mask) = (header.bits, UInt8(truncatingIfNeeded: 1 << header.bits - 1))
    var indices: [UInt8] = []
    indices.reserveCapacity(header.width * header.height)
    for y in 0..<header.height {
      let start = header.start(y)
      for x in 0..<header.width {
        let bit = x * bits
        indices.append(bytes[start + bit / 8] >> UInt8(8 - bits - bit % 8) & mask)
      }
    }
    return indices
  }

  /// Indices of run-length encoded rows, from the bottom; what is left out has the index 0.
  private static func unpacked(
    _ bytes: [UInt8], _ header: Header, name: String
  ) throws(ImageError) -> [UInt8] {
    var indices = [UInt8](repeating: 0, count: header.width * header.height)
    let isNibbles = header.bits == 4
    var (x, y, position) = (0, header.height - 1, header.dataStart)
    func put(_ index: UInt8) {
      if x < header.width, y >= 0 { indices[y * header.width + x] = index }
      x += 1
    }
    func nibble(_ byte: UInt8, _ i: Int) -> UInt8 {
      isNibbles ? (i % 2 == 0 ? byte >> 4 : byte & 15) : byte
    }
    while true {
      guard position + 2 <= bytes.count else { throw .truncated(name) }
      let (count, value) = (Int(bytes[position]), bytes[position + 1])
      position += 2
      if count > 0 {
        for i in 0..<count { put(nibble(value, i)) }
        continue
      }
      switch value {
      case 0: (x, y) = (0, y - 1)
      case 1: return indices
      case 2:
        guard position + 2 <= bytes.count else { throw .truncated(name) }
        (x, y) = (x + Int(bytes[position]), y - Int(bytes[position + 1]))
        position += 2
      default:
        let length = isNibbles ? (Int(value) + 1) / 2 : Int(value)
        guard position + length <= bytes.count else { throw .truncated(name) }
        for i in 0..<Int(value) { put(nibble(bytes[position + (isNibbles ? i / 2 : i)], i)) }
        position += length + length % 2
      }
    }
  }

  private static func colors(
    _ bytes: [UInt8], _ header: Header, name: String, background: RGB, isComposed: inout Bool
  ) throws(ImageError) -> [UInt8] {
    guard header.dataStart + header.stride * header.height <= bytes.count else {
      throw .truncated(name)
    }
    let step = header.bits / 8
    let fields = header.masks.map(Field.init)
    let behind = [Int(background.red), Int(background.green), Int(background.blue)]
    var pixels: [UInt8] = []
    pixels.reserveCapacity(3 * header.width * header.height)
    for y in 0..<header.height {
      var at = header.start(y)
      for _ in 0..<header.width {
        var value = 0
        for i in 0..<step { value |= Int(bytes[at + i]) << (8 * i) }
        let alpha = header.masks[3] == 0 ? 255 : Int(fields[3].sample(value))
        for c in 0..<3 {
          let sample = Int(fields[c].sample(value))
          pixels.append(UInt8((sample * alpha + behind[c] * (255 - alpha) + 127) / 255))
        }
        if alpha < 255 { isComposed = true }
        at += step
      }
    }
    return pixels
  }

  /// Some bits of a number as a sample of 8 bits.
  private struct Field {
    let mask, shift, largest: Int

    init(_ mask: Int) {
      self.mask = mask
      shift = mask == 0 ? 0 : mask.trailingZeroBitCount
      largest = mask >> shift
    }

    func sample(_ value: Int) -> UInt8 {
      largest == 0 ? 0 : UInt8(((value & mask) >> shift * 255 + largest / 2) / largest)
    }
  }
}
