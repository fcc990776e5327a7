/// Half precision made into `Float` and back, and the search for numbers that are not finite.
///
/// All of it works on the bits as integers: that is vectorised on processors without half-precision
/// instructions, and subnormal numbers are neither slow nor flushed to zero.
enum FloatConversion {
  private typealias Lanes = SIMD16<UInt32>

  /// The index of the first element that is infinite or not a number.
  ///
  /// - Parameters:
  ///   - source: Little-endian `Float`s, at any alignment.
  ///   - count: The number of elements.
  /// - Returns: The index, or `nil` where all elements are finite.
  static func firstNonFinite(_ source: UnsafeRawPointer, count: Int) -> Int? {
    let width = 4 * Lanes.scalarCount
    var i = 0
    while i <= count - width {
      // Adding one to an exponent of all ones carries into the sign bit.
      var found = Lanes()
      for part in 0..<4 {
        let offset = (i &+ part &* Lanes.scalarCount) &* 4
        let bits = source.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
        found |= (bits & 0x7FFF_FFFF) &+ 0x0080_0000
      }
      let half = found.lowHalf | found.highHalf
      let quarter = half.lowHalf | half.highHalf
      if (quarter.x | quarter.y | quarter.z | quarter.w) & 0x8000_0000 != 0 { break }
      i &+= width
    }
    while i < count {
      let bits = source.loadUnaligned(fromByteOffset: i &* 4, as: UInt32.self)
      if bits & 0x7F80_0000 == 0x7F80_0000 { return i }
      i &+= 1
    }
    return nil
  }

  /// Writes the floats that half-precision bits stand for; exact for every pattern, NaN payloads
  /// included.
  ///
  /// - Parameters:
  ///   - source: Little-endian half-precision numbers, at any alignment.
  ///   - target: Room for `count` floats.
  ///   - count: The number of elements.
  static func widen(
    _ source: UnsafeRawPointer, to target: UnsafeMutablePointer<Float>, count: Int
  ) {
    // No branches, so that the compiler makes vectors of it.
    for i in 0..<max(count, 0) {
      let bits = UInt32(source.loadUnaligned(fromByteOffset: i &* 2, as: UInt16.self))
      target[i] = Float(bitPattern: widened(bits))
    }
  }

  @inline(__always)
  private static func widened(_ bits: UInt32) -> UInt32 {
    let magnitude = bits & 0x7FFF
    let rebias: UInt32 = 112 << 23
    let normal = (magnitude &<< 13) &+ rebias
    // Infinity and NaN: the exponent, now 31 + 112, goes on to 255.
    let large = magnitude >= 0x7C00 ? normal &+ rebias : normal
    // Subnormal: 0.5 + magnitude · 2⁻²⁴ is exact, and so is its difference to 0.5.
    let small = (Float(bitPattern: magnitude | 0x3F00_0000) - 0.5).bitPattern
    return (magnitude < 0x0400 ? small : large) | ((bits & 0x8000) &<< 16)
  }

  /// The half-precision bits nearest to a float (ties to even), or `nil` where that would be
  /// infinite.
  static func narrowed(_ value: Float) -> UInt16? {
    let sign = UInt16(truncatingIfNeeded: value.bitPattern >> 16) & 0x8000
    let magnitude = value.bitPattern & 0x7FFF_FFFF
    // From 65520 on, the midpoint above the largest number, values round to infinity.
    guard magnitude < 0x477F_F000 else { return nil }
    guard magnitude >= 0x3880_0000 else {
      // Below 2⁻¹⁴ the sum with 0.5 has its last bit at 2⁻²⁴ and rounds as wanted.
      let shifted = Float(bitPattern: magnitude) + 0.5
      return sign | UInt16(truncatingIfNeeded: shifted.bitPattern - 0x3F00_0000)
    }
    let rounding = 0xFFF + ((magnitude >> 13) & 1)
    return sign | UInt16(truncatingIfNeeded: (magnitude + rounding - (112 << 23)) >> 13)
  }
}
