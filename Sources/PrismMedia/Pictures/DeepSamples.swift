internal import PrismTensor

/// Samples of more than 8 bits, as the file has them.
struct DeepSamples: Sendable, Equatable {
  /// 1 (grey) or 3 (red, green, blue).
  let channels: Int
  /// The samples, row by row, interleaved.
  let values: [UInt16]
  /// The sample that is black.
  let low: Float
  /// The sample that is white; above ``low``.
  let high: Float
  /// What the samples stand for; `nil` where they are the file's own.
  var meaning: Meaning?

  /// The numbers of a file that tones of 16 bits stand for.
  struct Meaning: Sendable, Equatable {
    /// What the sample 0 stands for; above ``white`` where small numbers are white.
    let black: Double
    /// What the sample 65535 stands for.
    let white: Double
    /// How far two neighbouring numbers of the file are apart.
    let step: Double

    /// The number that a sample stands for.
    func number(_ sample: UInt16) -> Float {
      let distance = Double(sample) / 65535 * (white - black)
      guard step > 0 else { return Float(black + distance) }
      return Float(black + (distance / step).rounded() * step)
    }
  }

  /// A sample on the scale of 8-bit pictures, from 0 to 255, without rounding.
  func tone(_ value: Float) -> Float {
    min(max((value - low) * (255 / (high - low)), 0), 255)
  }

  /// 8-bit pixels, `[height, width, 3]`.
  var pixels: [UInt8] {
    let count = values.count / channels
    return values.withUnsafeBufferPointer { source in
      [UInt8](unsafeUninitializedCapacity: count * 3) { target, initialized in
        for i in 0..<count {
          for c in 0..<3 {
            target[3 * i + c] = UInt8(
              tone(Float(source[channels * i + (channels == 1 ? 0 : c)])).rounded())
          }
        }
        initialized = count * 3
      }
    }
  }

  /// A part of the tones at another size, `[height, width, 3]` from 0 to 255, without rounding.
  ///
  /// - Parameters:
  ///   - width: The columns there are.
  ///   - height: The rows there are.
  ///   - target: The size of the whole, and the part of it that is computed.
  ///   - method: The filter; the weights are those of 8-bit pictures, in floating point.
  /// - Returns: Three channels, equal ones for grey.
  func resized(
    width: Int, height: Int, to target: ResizeTarget, method: ResizeMethod
  ) -> Tensor {
    let tones = values.map { tone(Float($0)) }
    let rows = FilterAxis(from: height, to: target.rows, method: method)
    let columns = FilterAxis(from: width, to: target.columns, method: method)
    let (newWidth, newHeight) = (target.columns.range.count, target.rows.range.count)
    let (step, channels) = (width * channels, channels)
    // Along the columns first, a row of the result at a time; then along that row.
    return tones.withUnsafeBufferPointer { source in
      Tensor(uninitialized: [newHeight, newWidth, 3]) { target in
        var line = [Float](repeating: 0, count: step)
        for y in 0..<newHeight {
          for i in 0..<step { line[i] = 0 }
          for (k, weight) in rows.taps(y) {
            for i in 0..<step { line[i] += weight * source[k * step + i] }
          }
          for x in 0..<newWidth {
            for c in 0..<3 {
              let part = channels == 1 ? 0 : c
              var sum: Float = 0
              for (k, weight) in columns.taps(x) { sum += weight * line[k * channels + part] }
              target[(y * newWidth + x) * 3 + c] = min(max(sum, 0), 255)
            }
          }
        }
      }
    }
  }

  /// The samples turned and mirrored as an EXIF orientation demands.
  func oriented(_ orientation: Int, width: Int, height: Int) -> DeepSamples {
    let order = Orientation(orientation, width: width, height: height)
    return DeepSamples(
      channels: channels, values: order.applied(to: values, channels: channels), low: low,
      high: high, meaning: meaning)
  }

  /// A rectangle of the samples.
  func cropped(x: Int, y: Int, width: Int, height: Int, of fullWidth: Int) -> DeepSamples {
    var part: [UInt16] = []
    part.reserveCapacity(width * height * channels)
    for row in y..<(y + height) {
      let start = channels * (row * fullWidth + x)
      part += values[start..<(start + channels * width)]
    }
    return DeepSamples(channels: channels, values: part, low: low, high: high, meaning: meaning)
  }
}
