/// A buffer of floats between two guard bands, for tests of code on raw pointers.
///
/// The bands hold NaNs of one bit pattern. A read beyond an input shows up as NaN in the result, a
/// write beyond an output as a changed band.
package final class GuardedBuffer {
  private static let band = 96
  private static let guardBits: UInt32 = 0x7fc5_a5a5
  private let base: UnsafeMutablePointer<Float>
  private let start: Int

  /// The floats between the bands.
  package let count: Int

  /// Makes a buffer.
  ///
  /// - Parameters:
  ///   - count: Floats between the bands.
  ///   - misalignment: Floats by which the start misses a 64-byte boundary.
  ///   - fill: What the buffer holds at first; by default the guard pattern, so that what was never
  ///     written is known.
  package init(count: Int, misalignment: Int = 0, fill: ((Int) -> Float)? = nil) {
    self.count = count
    start = Self.band + misalignment
    let total = start + count + Self.band
    base = UnsafeMutableRawPointer.allocate(byteCount: total * 4, alignment: 64)
      .bindMemory(to: Float.self, capacity: total)
    base.initialize(repeating: Float(bitPattern: Self.guardBits), count: total)
    if let fill {
      for i in 0..<count { base[start + i] = fill(i) }
    }
  }

  deinit { base.deallocate() }

  /// The first float between the bands.
  package var pointer: UnsafeMutablePointer<Float> { base + start }

  /// The same, for reading.
  package var source: UnsafePointer<Float> { UnsafePointer(base + start) }

  /// One of the floats.
  package subscript(_ i: Int) -> Float {
    get { base[start + i] }
    set { base[start + i] = newValue }
  }

  /// Whether nothing was written outside.
  package var isIntact: Bool {
    let inBand = (0..<start).allSatisfy { base[$0].bitPattern == Self.guardBits }
    return inBand
      && (0..<Self.band).allSatisfy {
        base[start + count + $0].bitPattern == Self.guardBits
      }
  }

  /// Whether an element still has the pattern it was made with.
  package func isUntouched(_ i: Int) -> Bool { base[start + i].bitPattern == Self.guardBits }

  /// The bit patterns of all elements.
  package var bits: [UInt32] { (0..<count).map { base[start + $0].bitPattern } }
}
