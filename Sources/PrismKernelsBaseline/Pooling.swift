// Pooling windows and whole images.

#if PRISM_AVX512 || PRISM_AVX2
  package import PrismKernelsBaseline
#endif

/// Pooling over `[H, W, C]`.
package enum Pooling {
  /// The largest value under the window, for the output rows of a job; padding never wins, a NaN
  /// does.
  ///
  /// The job's weights are not read; input and output channels are the same.
  package static func maximumPool(_ job: ConvolutionJob) {
    pool(job, average: false, counted: false)
  }

  /// The mean under the window, for the output rows of a job.
  ///
  /// The values are added in row-major order, then divided. With `countsPadding` by the size of the
  /// window (also where it hangs over the padded edge), else by the values inside the image.
  package static func averagePool(_ job: ConvolutionJob, countsPadding: Bool) {
    pool(job, average: true, counted: countsPadding)
  }

  @inline(never)
  static func pool(_ job: ConvolutionJob, average: Bool, counted: Bool) {
    let s = job.shape
    var y = job.rowStart
    while y < job.rowEnd {
      let top = y &* s.strideHeight &- s.paddingTop
      let y0 = top < 0 ? 0 : top
      let bottom = top &+ s.kernelHeight
      let y1 = bottom > s.inputHeight ? s.inputHeight : bottom
      var x = job.columnStart
      while x < columnEnd(job) {
        let left = x &* s.strideWidth &- s.paddingLeft
        let x0 = left < 0 ? 0 : left
        let right = left &+ s.kernelWidth
        let x1 = right > s.inputWidth ? s.inputWidth : right
        let count = counted ? s.kernelHeight &* s.kernelWidth : (y1 &- y0) &* (x1 &- x0)
        poolPixel(
          job.input + (y0 &* s.inputWidth &+ x0) &* job.inputStride,
          s.inputWidth &* job.inputStride, job.inputStride, y1 &- y0, x1 &- x0,
          job.output + (y &* s.outputWidth &+ x) &* job.outputStride, s.inputChannels,
          average ? Float(count) : 0)
        x &+= 1
      }
      y &+= 1
    }
  }

  /// The mean of every channel of an image of `pixels` pixels, channels
  /// `channelStart ..< channelEnd`.
  ///
  /// Pixel `p` is added to partial sum `p mod 4`, ascending; the four are added in pairs and
  /// multiplied by `1 / pixels`.
  package static func globalAverage(
    _ input: UnsafePointer<Float>, inputStride: Int, pixels: Int, channelStart: Int,
    channelEnd: Int, output: UnsafeMutablePointer<Float>
  ) {
    let scale = splat(1 / Float(pixels))
    var c = channelStart
    while c < channelEnd {
      let n = channelEnd &- c
      var s0 = splat(0), s1 = splat(0), s2 = splat(0), s3 = splat(0)
      var p = 0
      while p < pixels {
        let q = input + (p &* inputStride &+ c)
        s0 = s0 + loadUpTo(q, n)
        if p &+ 1 < pixels { s1 = s1 + loadUpTo(q + inputStride, n) }
        if p &+ 2 < pixels { s2 = s2 + loadUpTo(q + 2 &* inputStride, n) }
        if p &+ 3 < pixels { s3 = s3 + loadUpTo(q + 3 &* inputStride, n) }
        p &+= 4
      }
      storeUpTo(((s0 + s1) + (s2 + s3)) * scale, output + c, n)
      c &+= W
    }
  }
}

/// One pooled pixel: the mean when `count` is positive, else the maximum.
@inline(never)
func poolPixel(
  _ input: Source, _ rowStride: Int, _ columnStride: Int, _ rows: Int, _ columns: Int,
  _ output: Destination, _ channels: Int, _ count: Float
) {
  var c = 0
  while c < channels {
    let n = channels &- c
    var v = splat(count > 0 ? 0 : -.infinity)
    var y = 0
    while y < rows {
      var p = input + (y &* rowStride &+ c)
      var x = 0
      while x < columns {
        let d = loadUpTo(p, n)
        // Not "replace where larger": a NaN, once seen or met, stays.
        v = count > 0 ? v + d : v.replacing(with: d, where: .!(d .<= v) .& (v .== v))
        p += columnStride
        x &+= 1
      }
      y &+= 1
    }
    if count > 0 { v = v / splat(count) }
    storeUpTo(v, output + c, n)
    c &+= W
  }
}
