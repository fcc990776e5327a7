// Pictures of 8 bits at another size: weighted sums of levels in fixed point.

#if PRISM_AVX512 || PRISM_AVX2
  package import PrismKernelsBaseline
#endif

/// Resizing along one axis of a picture `[H, W, 3]`.
package enum Resampling {
  /// The bits of weights behind the point: as many as leave room for 8 bits of level, a sign, and
  /// sums above 1.
  @_transparent package static var fractionBits: Int32 { 32 - 8 - 2 }

  /// What is added before the bits are cut off.
  @_transparent static var half: Int32 { 1 << (fractionBits - 1) }

  /// New pixels of rows `first ..< end`, along each of them.
  ///
  /// There has to be room for ``ResamplingJob/scratchCount`` numbers to compute in.
  @inline(never)
  package static func alongRows(
    _ job: ResamplingJob, from first: Int, to end: Int, scratch: UnsafeMutablePointer<UInt32>
  ) {
    var y = first
    while y < end {
      spread(job.source + 3 &* y &* job.width, job.width, padding: 2 &* job.taps, into: scratch)
      alongRow(job, scratch, job.target + 3 &* y &* job.newCount)
      y &+= 1
    }
  }

  /// New rows `first ..< end`.
  @inline(never)
  package static func alongColumns(_ job: ResamplingJob, from first: Int, to end: Int) {
    let length = 3 &* job.width
    var y = first
    while y < end {
      let source = job.source + job.starts[y] &* length
      let weights = job.weights + y &* job.taps
      let target = job.target + y &* length
      var i = 0
      while i &+ 8 <= length {
        var sums = SIMD8<Int32>(repeating: half)
        var levels = source + i
        var k = 0
        while k < job.taps {
          sums = sums &+ widened(levels) &* SIMD8(repeating: weights[k])
          levels += length
          k &+= 1
        }
        store(sums, target + i)
        i &+= 8
      }
      while i < length {
        var sum = half
        var k = 0
        while k < job.taps {
          sum = sum &+ Int32(source[k &* length &+ i]) &* weights[k]
          k &+= 1
        }
        target[i] = level(sum)
        i &+= 1
      }
      y &+= 1
    }
  }

  /// Four bytes a pixel, of which the last is not used, and zeros behind them.
  @inline(always)
  static func spread(
    _ source: UnsafePointer<UInt8>, _ width: Int, padding: Int,
    into pixels: UnsafeMutablePointer<UInt32>
  ) {
    var i = 0
    while i < width &- 1 {
      pixels[i] = UnsafeRawPointer(source + 3 &* i).loadUnaligned(as: UInt32.self)
      i &+= 1
    }
    // Nothing may be read behind the last pixel.
    let last = source + 3 &* i
    pixels[i] = UInt32(last[0]) | UInt32(last[1]) << 8 | UInt32(last[2]) << 16
    i &+= 1
    while i < width &+ padding {
      pixels[i] = 0
      i &+= 1
    }
  }

  /// Two old pixels at a time, by one vector of weights.
  @inline(always)
  static func alongRow(
    _ job: ResamplingJob, _ pixels: UnsafeMutablePointer<UInt32>,
    _ target: UnsafeMutablePointer<UInt8>
  ) {
    var weights = UnsafeRawPointer(job.weights)
    var x = 0
    while x < job.newCount {
      var sums = SIMD8<Int32>(repeating: 0)
      var levels = UnsafeRawPointer(pixels + job.starts[x])
      var k = 0
      while k < job.taps {
        sums = sums &+ widened(levels) &* weights.loadUnaligned(as: SIMD8<Int32>.self)
        levels += 8
        weights += 32
        k &+= 1
      }
      let pixel = sums.lowHalf &+ sums.highHalf
      let place = target + 3 &* x
      place[0] = level(half &+ pixel[0])
      place[1] = level(half &+ pixel[1])
      place[2] = level(half &+ pixel[2])
      x &+= 1
    }
  }

  @inline(always)
  static func widened(_ levels: UnsafeRawPointer) -> SIMD8<Int32> {
    SIMD8(truncatingIfNeeded: levels.loadUnaligned(as: SIMD8<UInt8>.self))
  }

  /// A sum that holds its half already, as a level.
  @inline(always)
  static func level(_ sum: Int32) -> UInt8 {
    let level = sum >> fractionBits
    return UInt8(truncatingIfNeeded: level < 0 ? 0 : (level > 255 ? 255 : level))
  }

  /// Stores sums that hold their halves already, as levels.
  ///
  /// One by one: that the compiler joins, which it does not do with a narrower vector.
  @inline(always)
  static func store(_ sums: SIMD8<Int32>, _ target: UnsafeMutablePointer<UInt8>) {
    target[0] = level(sums[0])
    target[1] = level(sums[1])
    target[2] = level(sums[2])
    target[3] = level(sums[3])
    target[4] = level(sums[4])
    target[5] = level(sums[5])
    target[6] = level(sums[6])
    target[7] = level(sums[7])
  }
}
