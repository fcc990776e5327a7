/// The one thing we want from EXIF: which way is up.
enum EXIF {
  /// The orientation, from 1 to 8, that a block of TIFF fields states, or `nil`.
  ///
  /// The block is untrusted: every offset is checked, and anything odd means that nothing is
  /// stated.
  static func orientation(in block: ArraySlice<UInt8>) -> Int? {
    let bytes = Array(block)
    guard bytes.count >= 8 else { return nil }
    let littleEndian: Bool
    switch (bytes[0], bytes[1]) {
    case (0x49, 0x49): littleEndian = true
    case (0x4D, 0x4D): littleEndian = false
    default: return nil
    }
    func short(at i: Int) -> Int? {
      guard i >= 0, i <= bytes.count - 2 else { return nil }
      let (a, b) = (Int(bytes[i]), Int(bytes[i + 1]))
      return littleEndian ? a | b << 8 : a << 8 | b
    }
    func long(at i: Int) -> Int? {
      guard let a = short(at: i), let b = short(at: i + 2) else { return nil }
      return littleEndian ? a | b << 16 : a << 16 | b
    }

    guard short(at: 2) == 42, let directory = long(at: 4), let count = short(at: directory) else {
      return nil
    }
    for entry in 0..<count {
      let start = directory + 2 + 12 * entry
      guard let tag = short(at: start) else { return nil }
      guard tag == 0x0112 else { continue }
      guard short(at: start + 2) == 3, long(at: start + 4) == 1, let value = short(at: start + 8),
        (1...8).contains(value)
      else { return nil }
      return value
    }
    return nil
  }
}

/// A turn and a mirroring, as an EXIF orientation from 1 to 8 demands.
struct Orientation {
  /// The columns of the result.
  let width: Int
  /// The rows of the result.
  let height: Int
  // Where the first pixel of the result comes from, and the steps to its right and lower
  // neighbours.
  private let start, stepX, stepY: Int

  init(_ orientation: Int, width: Int, height: Int) {
    let swaps = orientation >= 5
    (self.width, self.height) = swaps ? (height, width) : (width, height)
    let (right, bottom) = (width - 1, (height - 1) * width)
    (start, stepX, stepY) =
      switch orientation {
      case 2: (right, -1, width)
      case 3: (bottom + right, -1, -width)
      case 4: (bottom, 1, -width)
      case 5: (0, width, 1)
      case 6: (bottom, -width, 1)
      case 7: (bottom + right, -width, -1)
      case 8: (right, width, -1)
      default: (0, 1, width)
      }
  }

  /// Interleaved samples in the order of the result.
  func applied<Sample>(to samples: [Sample], channels: Int) -> [Sample] {
    samples.withUnsafeBufferPointer { source in
      [Sample](unsafeUninitializedCapacity: source.count) { target, count in
        for y in 0..<height {
          var from = start + y * stepY
          for to in (y * width)..<((y + 1) * width) {
            for c in 0..<channels { target[channels * to + c] = source[channels * from + c] }
            from += stepX
          }
        }
        count = source.count
      }
    }
  }
}

extension Image {
  /// The picture turned and mirrored as an EXIF orientation demands, which its origin then says.
  func oriented(_ orientation: Int) -> Image {
    guard (2...8).contains(orientation) else { return self }
    let order = Orientation(orientation, width: width, height: height)
    var origin = origin
    origin.notes.append("turned as its EXIF orientation \(orientation) says")
    return Image(
      width: order.width, height: order.height, pixels: order.applied(to: pixels, channels: 3),
      deep: deep?.oriented(orientation, width: width, height: height), origin: origin)
  }
}
