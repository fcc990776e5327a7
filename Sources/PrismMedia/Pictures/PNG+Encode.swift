internal import CZlib
internal import PrismKernels

extension PNG {
  /// Encodes a picture as an 8-bit RGB file (PNG specification, third edition).
  ///
  /// The file's few chunks are written here and compressed by zlib, in pieces on all processors:
  /// libpng compresses on one, and more slowly with no filter than zlib does with the filter `up`.
  /// The pieces depend on the picture only, so the bytes do too.
  static func encode(_ image: Image) throws(ImageError) -> [UInt8] {
    let rowSize = image.width * 3 + 1
    let filtered = filtered(image)
    // Pieces of whole rows, large enough that cutting costs next to nothing in size.
    let pieceRows = max(1, (128 << 10) / rowSize)
    let pieces = (image.height + pieceRows - 1) / pieceRows
    let results = Pieces(count: pieces)
    filtered.withUnsafeBufferPointer { bytes in
      let source = Source(bytes: bytes)
      Workers.pool.run(tasks: pieces) { piece, _ in
        let start = piece * pieceRows * rowSize
        let end = min(start + pieceRows * rowSize, source.bytes.count)
        results[piece] = deflated(source.bytes, start..<end)
      }
    }

    var checksum = adler32(0, nil, 0)
    var file = signature
    file.reserveCapacity(filtered.count / 2 + 1024)
    append("IHDR", bigEndian(image.width) + bigEndian(image.height) + [8, 2, 0, 0, 0], to: &file)
    for piece in 0..<pieces {
      guard let part = results[piece] else {
        throw .noMemory(width: image.width, height: image.height)
      }
      checksum = adler32_combine(checksum, part.checksum, part.count)
      var data = part.data
      // The zlib stream around the pieces (RFC 1950): a header for the fastest level, and the
      // checksum of everything.
      if piece == 0 { data.insert(contentsOf: [0x78, 0x01], at: 0) }
      if piece == pieces - 1 { data += bigEndian(Int(checksum)) }
      append("IDAT", data, to: &file)
    }
    append("IEND", [], to: &file)
    return file
  }

  /// The rows, each after its filter's number: differences to the row above (filter 2, `up`).
  private static func filtered(_ image: Image) -> [UInt8] {
    let row = image.width * 3
    return image.pixels.withUnsafeBufferPointer { pixels in
      [UInt8](unsafeUninitializedCapacity: (row + 1) * image.height) { target, count in
        for y in 0..<image.height {
          let (from, to) = (y * row, y * (row + 1) + 1)
          target[to - 1] = 2
          if y == 0 {
            for i in 0..<row { target[to + i] = pixels[i] }
          } else {
            for i in 0..<row { target[to + i] = pixels[from + i] &- pixels[from - row + i] }
          }
        }
        count = (row + 1) * image.height
      }
    }
  }

  /// Some bytes of a buffer compressed (RFC 1951), to be put after what comes before them; `nil`
  /// without memory.
  private static func deflated(
    _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>
  ) -> Piece? {
    guard let base = bytes.baseAddress else { return nil }
    var stream = z_stream()
    let size = Int32(MemoryLayout<z_stream>.size)
    // No frame of its own (negative window bits), the largest window. Of differences to the row
    // above only runs are worth looking for: the files are no larger, and there sooner.
    guard
      deflateInit2_(
        &stream, Z_BEST_SPEED, Z_DEFLATED, -15, 9, Z_RLE, ZLIB_VERSION, size) == Z_OK
    else { return nil }
    defer { deflateEnd(&stream) }
    // The byte before may be referred to, as if the whole were compressed in one go: runs look no
    // farther back.
    let window = min(range.lowerBound, 1)
    deflateSetDictionary(&stream, base + range.lowerBound - window, uInt(window))
    let isLast = range.upperBound == bytes.count
    let capacity = Int(deflateBound(&stream, uLong(range.count))) + 16
    let start = base + range.lowerBound
    stream.next_in = UnsafeMutablePointer(mutating: start)
    stream.avail_in = uInt(range.count)
    let data = [UInt8](unsafeUninitializedCapacity: capacity) { target, count in
      stream.next_out = target.baseAddress
      stream.avail_out = uInt(capacity)
      let status = deflate(&stream, isLast ? Z_FINISH : Z_SYNC_FLUSH)
      count = status == (isLast ? Z_STREAM_END : Z_OK) ? capacity - Int(stream.avail_out) : 0
    }
    guard !data.isEmpty, stream.avail_in == 0 else { return nil }
    return Piece(
      data: data, checksum: adler32(adler32(0, nil, 0), start, uInt(range.count)),
      count: range.count)
  }

  /// A compressed part of the rows, the checksum and the number of the bytes that it stands for.
  private struct Piece {
    let data: [UInt8]
    let checksum: uLong
    let count: Int
  }

  // Read while the pieces are compressed, never written.
  private struct Source: @unchecked Sendable {
    let bytes: UnsafeBufferPointer<UInt8>
  }

  // Every element is written by one thread and read after all are done.
  private final class Pieces: @unchecked Sendable {
    private let elements: UnsafeMutableBufferPointer<Piece?>

    init(count: Int) {
      elements = .allocate(capacity: count)
      elements.initialize(repeating: nil)
    }

    deinit {
      elements.deinitialize()
      elements.deallocate()
    }

    subscript(index: Int) -> Piece? {
      get { elements[index] }
      set { elements[index] = newValue }
    }
  }

  private static func append(_ kind: String, _ data: [UInt8], to file: inout [UInt8]) {
    file += bigEndian(data.count)
    let start = file.count
    file += Array(kind.utf8)
    file += data
    let sum = file.withUnsafeBufferPointer { bytes in
      bytes.baseAddress.map { crc32(crc32(0, nil, 0), $0 + start, uInt(bytes.count - start)) } ?? 0
    }
    file += bigEndian(Int(sum))
  }

  private static func bigEndian(_ number: Int) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
  }
}
