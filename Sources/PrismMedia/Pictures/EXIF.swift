/// The one thing we want from EXIF: which way is up.
enum EXIF {
  /// The orientation, from 1 to 8, that a block of TIFF fields states, or `nil`.
  ///
  /// The block is untrusted: every offset is checked, and anything odd means that nothing is stated.
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

extension Image {
  /// The picture turned and mirrored as an EXIF orientation demands.
  func oriented(_ orientation: Int) -> Image {
    guard (2...8).contains(orientation) else { return self }
    let (sourceWidth, sourceHeight) = (self.width, self.height)
    let swaps = orientation >= 5
    let (width, height) = swaps ? (sourceHeight, sourceWidth) : (sourceWidth, sourceHeight)
    // Where the first pixel of the result comes from, and the steps to its right and lower neighbours.
    let (right, bottom) = (sourceWidth - 1, (sourceHeight - 1) * sourceWidth)
    let (start, stepX, stepY) =
      switch orientation {
      case 2: (right, -1, sourceWidth)
      case 3: (bottom + right, -1, -sourceWidth)
      case 4: (bottom, 1, -sourceWidth)
      case 5: (0, sourceWidth, 1)
      case 6: (bottom, -sourceWidth, 1)
      case 7: (bottom + right, -sourceWidth, -1)
      default: (right, sourceWidth, -1)
      }
    let turned = pixels.withUnsafeBufferPointer { source in
      [UInt8](unsafeUninitializedCapacity: source.count) { target, count in
        for y in 0..<height {
          var from = 3 * (start + y * stepY)
          for to in (y * width)..<((y + 1) * width) {
            target[3 * to] = source[from]
            target[3 * to + 1] = source[from + 1]
            target[3 * to + 2] = source[from + 2]
            from += 3 * stepX
          }
        }
        count = source.count
      }
    }
    return Image(width: width, height: height, exactly: turned)
  }
}
