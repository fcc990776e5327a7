/// The largest element of every window of one image, channel by channel; NaN wins over every
/// number.
///
/// Every window must hold at least one pixel of the image.
///
/// - Parameters:
///   - window: The geometry.
///   - channels: The channels C.
///   - image: `[H, W, C]`.
///   - output: `[H′, W′, C]`.
public func plainMaxPool(
  _ window: PlainWindow, channels: Int, image: UnsafePointer<Float>,
  output: UnsafeMutablePointer<Float>
) {
  var current = -1
  window.forEachTap { position, _, input in
    let target = output + position &* channels
    let source = image + input &* channels
    if position != current {
      current = position
      target.update(from: source, count: channels)
    } else {
      for c in 0..<channels {
        target[c] = source[c] > target[c] || source[c].isNaN ? source[c] : target[c]
      }
    }
  }
}

/// The cotangent of a max pool of one image; added to.
///
/// The first element of a window that equals its maximum gets the window's cotangent.
///
/// - Parameters:
///   - window: The geometry.
///   - channels: The channels C.
///   - image: `[H, W, C]`.
///   - output: `[H′, W′, C]`, what ``plainMaxPool(_:channels:image:output:)`` made of the image.
///   - cotangent: `[H′, W′, C]`.
///   - imageCotangent: `[H, W, C]`.
public func plainMaxPoolPullback(
  _ window: PlainWindow, channels: Int, image: UnsafePointer<Float>, output: UnsafePointer<Float>,
  cotangent: UnsafePointer<Float>, imageCotangent: UnsafeMutablePointer<Float>
) {
  // What of a window's cotangent nobody has got yet: all or nothing.
  let open = UnsafeMutablePointer<Float>.allocate(capacity: channels)
  defer { open.deallocate() }
  var current = -1
  window.forEachTap { position, _, input in
    let target = imageCotangent + input &* channels
    let source = image + input &* channels
    let largest = output + position &* channels
    if position != current {
      current = position
      open.update(from: cotangent + position &* channels, count: channels)
    }
    forEachPanel(channels) { c in
      let x = loadPanel(source + c)
      let share = loadPanel(open + c)
      let wins = (x .== loadPanel(largest + c)) .| (x .!= x)
      storePanel(
        loadPanel(target + c) + PlainPanel.zero.replacing(with: share, where: wins), target + c)
      storePanel(share.replacing(with: 0, where: wins), open + c)
    } rest: { c in
      guard source[c] == largest[c] || source[c].isNaN else { return }
      target[c] += open[c]
      open[c] = 0
    }
  }
}

/// The sum of every window of one image, channel by channel, times a factor that belongs to the
/// output position.
///
/// - Parameters:
///   - window: The geometry.
///   - channels: The channels C.
///   - image: `[H, W, C]`.
///   - factors: `[H′, W′]`.
///   - output: `[H′, W′, C]`.
public func plainSumPool(
  _ window: PlainWindow, channels: Int, image: UnsafePointer<Float>, factors: [Float],
  output: UnsafeMutablePointer<Float>
) {
  output.update(repeating: 0, count: window.outputHeight * window.outputWidth * channels)
  window.forEachTap { position, _, input in
    let target = output + position &* channels
    let source = image + input &* channels
    for c in 0..<channels { target[c] += source[c] }
  }
  for position in factors.indices {
    let target = output + position * channels
    let factor = factors[position]
    for c in 0..<channels { target[c] *= factor }
  }
}

/// The cotangent of a sum pool of one image; added to.
///
/// - Parameters:
///   - window: The geometry.
///   - channels: The channels C.
///   - cotangent: `[H′, W′, C]`.
///   - factors: `[H′, W′]`.
///   - imageCotangent: `[H, W, C]`.
public func plainSumPoolPullback(
  _ window: PlainWindow, channels: Int, cotangent: UnsafePointer<Float>, factors: [Float],
  imageCotangent: UnsafeMutablePointer<Float>
) {
  window.forEachTap { position, _, input in
    let target = imageCotangent + input &* channels
    let source = cotangent + position &* channels
    let factor = factors[position]
    for c in 0..<channels { target[c] += source[c] * factor }
  }
}
