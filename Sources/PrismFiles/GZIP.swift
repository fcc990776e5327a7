internal import CZlib

/// Bytes in a smaller form for those who fetch them (RFC 1952).
package enum GZIP {
  /// The bytes of a file that has no name and no date.
  ///
  /// - Parameter bytes: What it holds.
  /// - Returns: The file, the same for the same bytes; `nil` where there is no memory.
  package static func compressed(_ bytes: [UInt8]) -> [UInt8]? {
    var stream = z_stream()
    let streamSize = Int32(MemoryLayout<z_stream>.size)
    let isReady =
      deflateInit2_(
        &stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, streamSize) == Z_OK
    guard isReady, bytes.count < Int(UInt32.max) else { return nil }
    defer { deflateEnd(&stream) }
    let most = Int(deflateBound(&stream, uLong(bytes.count)))
    var isWhole = false
    let file = [UInt8](unsafeUninitializedCapacity: most) { target, count in
      bytes.withUnsafeBufferPointer { source in
        stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
        stream.avail_in = uInt(source.count)
        stream.next_out = target.baseAddress
        stream.avail_out = uInt(most)
        isWhole = deflate(&stream, Z_FINISH) == Z_STREAM_END
        count = most - Int(stream.avail_out)
      }
    }
    return isWhole ? file : nil
  }
}
