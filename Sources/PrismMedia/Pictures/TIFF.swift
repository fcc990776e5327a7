internal import CTIFF

/// Reading TIFF through libtiff.
enum TIFF {
  /// Decodes one page of a TIFF file; grey and colour samples of 16 bits keep their depth.
  static func decode(
    _ bytes: [UInt8], name: String, options: PictureOptions
  ) throws(ImageError) -> Image {
    guard let library = LibTIFF.loaded else {
      throw .unreadable(name, reason: "TIFF needs libtiff; install the package libtiff6")
    }
    let source = Source(bytes)
    guard let file = source.open(library) else {
      throw .corrupt(name, reason: "its directory cannot be read")
    }
    defer { library.close(file.handle) }
    try choosePage(options.frame, of: file, name: name)
    let page = try Page(file, name: name)
    try options.admit(name, width: page.width, height: page.height)
    if page.bits == 16, page.isPlain {
      return try deep(page, of: file, name: name, options: options).oriented(page.orientation)
    }
    guard page.bits <= 8 else {
      throw .unsupported(
        name, reason: "a TIFF of \(page.bits) bits and the sample format \(page.format)")
    }
    return try plain(page, of: file, name: name, options: options)
  }

  /// An open file.
  private struct File {
    let library: LibTIFF
    let handle: OpaquePointer
  }

  private static func choosePage(
    _ frame: Int?, of file: File, name: String
  ) throws(ImageError) {
    let count = Int(file.library.pageCount(file.handle))
    guard count > 0 else { throw .corrupt(name, reason: "its list of pages is broken") }
    guard let frame = frame ?? (count == 1 ? 1 : nil) else {
      throw .severalFrames(name, count: count)
    }
    guard (1...count).contains(frame), file.library.choosePage(file.handle, tdir_t(frame - 1)) != 0
    else {
      throw .noFrame(name, frame: frame, count: count)
    }
  }

  /// What is said about a page.
  private struct Page {
    let width, height, bits, samples, photometric, format, planes, orientation: Int

    init(_ file: File, name: String) throws(ImageError) {
      width = Page.long(file, TIFFTAG_IMAGEWIDTH)
      height = Page.long(file, TIFFTAG_IMAGELENGTH)
      bits = Page.short(file, TIFFTAG_BITSPERSAMPLE) ?? 1
      samples = Page.short(file, TIFFTAG_SAMPLESPERPIXEL) ?? 1
      photometric = Page.short(file, TIFFTAG_PHOTOMETRIC) ?? -1
      format = Page.short(file, TIFFTAG_SAMPLEFORMAT) ?? 1
      planes = Page.short(file, TIFFTAG_PLANARCONFIG) ?? 1
      orientation = Page.short(file, TIFFTAG_ORIENTATION) ?? 1
      guard width > 0, height > 0, width < 1 << 31, height < 1 << 31 else {
        throw .corrupt(name, reason: "the header says \(width)×\(height) pixels")
      }
    }

    /// Whether the samples are whole numbers of grey or of red, green and blue.
    var isPlain: Bool {
      format == 1
        && (photometric <= 1 && (1...2).contains(samples)
          || photometric == 2 && (3...4).contains(samples))
    }

    var channels: Int { photometric == 2 ? 3 : 1 }

    private static func long(_ file: File, _ tag: Int32) -> Int {
      file.library.number(file.handle, tag, UInt32(0), orDefault: true) ?? 0
    }

    private static func short(_ file: File, _ tag: Int32) -> Int? {
      file.library.number(file.handle, tag, UInt16(0), orDefault: true)
    }
  }

  // MARK: 8 bits and fewer

  private static func plain(
    _ page: Page, of file: File, name: String, options: PictureOptions
  ) throws(ImageError) -> Image {
    var message = [CChar](repeating: 0, count: 1024)
    guard file.library.canBecomeRGBA(file.handle, &message) != 0 else {
      let text = String(
        decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      throw .unsupported(name, reason: "this kind of TIFF (\(text))")
    }
    // Turned by libtiff only in rows and columns, hence by us: rows from the top as they are
    // stored.
    var raster = [UInt32](repeating: 0, count: page.width * page.height)
    guard
      file.library.readRGBA(
        file.handle, UInt32(page.width), UInt32(page.height), &raster, CInt(ORIENTATION_TOPLEFT), 1)
        != 0
    else { throw .corrupt(name, reason: "its data cannot be decoded") }
    let background = options.background
    var isComposed = false
    var pixels: [UInt8] = []
    pixels.reserveCapacity(3 * raster.count)
    for value in raster {
      let alpha = Int(value >> 24)
      if alpha == 255 {
        pixels += [
          UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8),
          UInt8(truncatingIfNeeded: value >> 16),
        ]
      } else {
        // libtiff gives colours that are multiplied by their opacity.
        isComposed = true
        let behind = [background.red, background.green, background.blue]
        for c in 0..<3 {
          let sample = Int(value >> UInt32(8 * c) & 255)
          pixels.append(UInt8(min(sample + (Int(behind[c]) * (255 - alpha) + 127) / 255, 255)))
        }
      }
    }
    var origin = PictureOrigin(format: PictureFormat.tiff.rawValue, bitDepth: page.bits)
    if isComposed { origin.notes.append(background.compositionNote) }
    return Image(
      width: page.width, height: page.height, pixels: pixels, deep: nil, origin: origin)
  }

  // MARK: 16 bits

  private static func deep(
    _ page: Page, of file: File, name: String, options: PictureOptions
  ) throws(ImageError) -> Image {
    let all = try samples(page, of: file, name: name)
    let (count, step, channels) = (page.width * page.height, page.samples, page.channels)
    var values = [UInt16](repeating: 0, count: count * channels)
    for i in 0..<count {
      for c in 0..<channels { values[channels * i + c] = all[step * i + c] }
    }
    // White is zero.
    if page.photometric == 0 { for i in values.indices { values[i] = 65535 - values[i] } }
    var result = PictureSamples(
      width: page.width, height: page.height, channels: channels, depth: 16, values: values,
      format: .tiff)
    if step > channels { result.alpha = (0..<count).map { all[step * $0 + channels] } }
    return try result.image(name: name, options: options)
  }

  /// The samples of all pixels, interleaved, whether the file has strips or tiles, planes or not.
  private static func samples(
    _ page: Page, of file: File, name: String
  ) throws(ImageError) -> [UInt16] {
    let (width, height, step) = (page.width, page.height, page.samples)
    let planes = page.planes == 2 ? step : 1
    let part = step / planes
    var all = [UInt16](repeating: 0, count: width * height * step)
    let isTiled = file.library.isTiled(file.handle) != 0
    let size = Int(isTiled ? file.library.tileSize(file.handle) : file.library.rowSize(file.handle))
    guard size > 0, size <= 2 * max(width * height, 1 << 24) * step,
      isTiled || size >= 2 * width * part
    else { throw .corrupt(name, reason: "its rows have \(size) bytes") }
    var buffer = [UInt16](repeating: 0, count: (size + 1) / 2)
    func take(_ row: Int, _ column: Int, _ plane: Int, from start: Int, count: Int) {
      for x in 0..<count {
        for c in 0..<part {
          all[((row * width) + column + x) * step + plane * part + c] = buffer[start + x * part + c]
        }
      }
    }
    for plane in 0..<planes {
      if isTiled {
        let (tileWidth, tileHeight) = tileExtents(file)
        guard tileWidth > 0, tileHeight > 0, 2 * tileWidth * tileHeight * part <= size else {
          throw .corrupt(name, reason: "its tiles have no size")
        }
        for top in stride(from: 0, to: height, by: tileHeight) {
          for left in stride(from: 0, to: width, by: tileWidth) {
            guard
              file.library.readTile(
                file.handle, &buffer, UInt32(left), UInt32(top), 0, UInt16(plane)) >= 0
            else { throw .corrupt(name, reason: "a tile cannot be decoded") }
            for y in 0..<min(tileHeight, height - top) {
              take(
                top + y, left, plane, from: y * tileWidth * part,
                count: min(tileWidth, width - left))
            }
          }
        }
      } else {
        for y in 0..<height {
          guard file.library.readRow(file.handle, &buffer, UInt32(y), UInt16(plane)) >= 0 else {
            throw .corrupt(name, reason: "row \(y) cannot be decoded")
          }
          take(y, 0, plane, from: 0, count: width)
        }
      }
    }
    return all
  }

  private static func tileExtents(_ file: File) -> (width: Int, height: Int) {
    func extent(_ tag: Int32) -> Int {
      file.library.number(file.handle, tag, UInt32(0), orDefault: false) ?? 0
    }
    return (extent(TIFFTAG_TILEWIDTH), extent(TIFFTAG_TILELENGTH))
  }

  // MARK: Memory as a file

  /// The bytes of a file and the place where libtiff reads; alive as long as libtiff reads.
  private final class Source {
    let bytes: UnsafeMutableBufferPointer<UInt8>
    var position = 0

    init(_ contents: [UInt8]) {
      bytes = .allocate(capacity: contents.count)
      _ = bytes.initialize(from: contents)
    }

    deinit { bytes.deallocate() }

    func open(_ library: LibTIFF) -> File? {
      // `retain` lasts until the file is closed, which releases it.
      let handle = Unmanaged.passRetained(self).toOpaque()
      let file = library.open(
        "picture", "rm", handle,
        { handle, target, count in
          guard let handle, let target, count > 0 else { return 0 }
          let source = Unmanaged<Source>.fromOpaque(handle).takeUnretainedValue()
          let length = min(Int(count), max(source.bytes.count - source.position, 0))
          if length > 0, let base = source.bytes.baseAddress {
            target.copyMemory(from: base + source.position, byteCount: length)
          }
          source.position += length
          return tmsize_t(length)
        },
        { _, _, _ in 0 },
        { handle, offset, origin in
          guard let handle else { return toff_t.max }
          let source = Unmanaged<Source>.fromOpaque(handle).takeUnretainedValue()
          let start = origin == 0 ? 0 : origin == 1 ? source.position : source.bytes.count
          let (sum, overflow) = start.addingReportingOverflow(Int(truncatingIfNeeded: offset))
          guard !overflow, sum >= 0 else { return toff_t.max }
          source.position = sum
          return toff_t(sum)
        },
        { handle in
          if let handle { Unmanaged<Source>.fromOpaque(handle).release() }
          return 0
        },
        { handle in
          handle.map {
            toff_t(Unmanaged<Source>.fromOpaque($0).takeUnretainedValue().bytes.count)
          } ?? 0
        },
        { _, _, _ in 0 }, { _, _, _ in })
      if file == nil { Unmanaged<Source>.fromOpaque(handle).release() }
      return file.map { File(library: library, handle: $0) }
    }
  }
}
