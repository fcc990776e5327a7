/// Where a value is: `rows` pixels of `channels` numbers, `stride` floats apart.
struct Place: Sendable {
  /// The memory that holds it.
  enum Arena: Sendable {
    /// That of the thread, for what is done with before the thread turns to another image.
    case thread
    /// That of the image, beside those of the other images of a batch.
    case image
  }

  var arena: Arena
  /// The floats of the arena before the first number.
  var offset: Int
  var stride: Int
  var rows: Int
  var channels: Int

  /// The number of numbers.
  var count: Int { rows * channels }
}

/// Copies rows of numbers between two strides.
func copyRows(
  _ source: UnsafePointer<Float>, stride: Int, to target: UnsafeMutablePointer<Float>,
  stride targetStride: Int, rows: Int, channels: Int
) {
  if stride == channels && targetStride == channels {
    target.update(from: source, count: rows * channels)
  } else {
    for row in 0..<rows {
      (target + row * targetStride).update(from: source + row * stride, count: channels)
    }
  }
}
