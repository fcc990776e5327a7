/// The numbers of a sliding window over one channels-last image, as the plain kernels take them.
public struct PlainWindow: Sendable {
  /// Rows and columns of the input.
  public var height: Int, width: Int
  /// Rows and columns of the output.
  public var outputHeight: Int, outputWidth: Int
  /// Taps along the rows and the columns.
  public var kernelHeight: Int, kernelWidth: Int
  /// Distance between windows.
  public var strideY: Int, strideX: Int
  /// Distance between taps.
  public var dilationY: Int, dilationX: Int
  /// Padding before the first row and column.
  public var top: Int, left: Int

  /// Makes the numbers of a window.
  public init(
    height: Int, width: Int, outputHeight: Int, outputWidth: Int, kernelHeight: Int,
    kernelWidth: Int, strideY: Int, strideX: Int, dilationY: Int, dilationX: Int, top: Int,
    left: Int
  ) {
    self.height = height
    self.width = width
    self.outputHeight = outputHeight
    self.outputWidth = outputWidth
    self.kernelHeight = kernelHeight
    self.kernelWidth = kernelWidth
    self.strideY = strideY
    self.strideX = strideX
    self.dilationY = dilationY
    self.dilationX = dilationX
    self.top = top
    self.left = left
  }

  /// Calls a closure for every tap of every window that lies inside the image.
  ///
  /// The closure receives the output position, the tap and the input position, each as a flat
  /// index.
  @inline(__always)
  func forEachTap(_ body: (_ output: Int, _ tap: Int, _ input: Int) -> Void) {
    for oy in 0..<outputHeight {
      for ox in 0..<outputWidth {
        for ky in 0..<kernelHeight {
          let y = oy &* strideY &- top &+ ky &* dilationY
          guard y >= 0, y < height else { continue }
          for kx in 0..<kernelWidth {
            let x = ox &* strideX &- left &+ kx &* dilationX
            guard x >= 0, x < width else { continue }
            body(oy &* outputWidth &+ ox, ky &* kernelWidth &+ kx, y &* width &+ x)
          }
        }
      }
    }
  }
}

/// Copies the windows of some channels of an image into the rows of a matrix (im2col); padding
/// becomes zero.
///
/// - Parameters:
///   - window: The geometry.
///   - image: `[H, W, pixelStride]`, offset to the first of the channels.
///   - pixelStride: The distance between pixels.
///   - channels: The number of channels to copy.
///   - rows: `[H′ · W′, kH · kW · channels]`.
public func plainUnfold(
  _ window: PlainWindow, image: UnsafePointer<Float>, pixelStride: Int, channels: Int,
  rows: UnsafeMutablePointer<Float>
) {
  let length = window.kernelHeight * window.kernelWidth * channels
  rows.update(repeating: 0, count: window.outputHeight * window.outputWidth * length)
  window.forEachTap { output, tap, input in
    (rows + (output &* length &+ tap &* channels)).update(
      from: image + input &* pixelStride, count: channels)
  }
}

/// Adds the rows of a matrix back to the windows they came from, the transpose of
/// ``plainUnfold(_:image:pixelStride:channels:rows:)``.
///
/// - Parameters:
///   - window: The geometry.
///   - rows: `[H′ · W′, kH · kW · channels]`.
///   - channels: The number of channels to add.
///   - image: `[H, W, pixelStride]`, offset to the first of the channels; added to.
///   - pixelStride: The distance between pixels.
public func plainFold(
  _ window: PlainWindow, rows: UnsafePointer<Float>, channels: Int,
  image: UnsafeMutablePointer<Float>, pixelStride: Int
) {
  let length = window.kernelHeight * window.kernelWidth * channels
  window.forEachTap { output, tap, input in
    let source = rows + (output &* length &+ tap &* channels)
    let target = image + input &* pixelStride
    for c in 0..<channels { target[c] += source[c] }
  }
}

/// A depthwise convolution of one image: every channel with its own kernel.
///
/// - Parameters:
///   - window: The geometry.
///   - channels: The channels C.
///   - image: `[H, W, C]`.
///   - weights: `[kH · kW, C]`.
///   - bias: `[C]`, or `nil` for zeros.
///   - output: `[H′, W′, C]`.
public func plainDepthwise(
  _ window: PlainWindow, channels: Int, image: UnsafePointer<Float>,
  weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, output: UnsafeMutablePointer<Float>
) {
  withPairs(window) { pairs in
    for oy in 0..<window.outputHeight {
      for ox in 0..<window.outputWidth {
        var count = 0
        for ky in 0..<window.kernelHeight {
          let y = oy &* window.strideY &- window.top &+ ky &* window.dilationY
          guard y >= 0, y < window.height else { continue }
          for kx in 0..<window.kernelWidth {
            let x = ox &* window.strideX &- window.left &+ kx &* window.dilationX
            guard x >= 0, x < window.width else { continue }
            pairs[count] = (
              (y &* window.width &+ x) &* channels, (ky &* window.kernelWidth &+ kx) &* channels
            )
            count &+= 1
          }
        }
        let target = output + (oy &* window.outputWidth &+ ox) &* channels
        if let bias {
          target.update(from: bias, count: channels)
        } else {
          target.update(repeating: 0, count: channels)
        }
        addProducts(pairs, count, image, weights, to: target, channels: channels)
      }
    }
  }
}

/// The cotangents of a depthwise convolution of one image; both are added to.
///
/// - Parameters:
///   - window: The geometry.
///   - channels: The channels C.
///   - cotangent: `[H′, W′, C]`.
///   - image: `[H, W, C]`.
///   - weights: `[kH · kW, C]`.
///   - imageCotangent: `[H, W, C]`, or `nil` where it is not wanted.
///   - weightCotangent: `[kH · kW, C]`, or `nil` where it is not wanted.
public func plainDepthwisePullback(
  _ window: PlainWindow, channels: Int, cotangent: UnsafePointer<Float>,
  image: UnsafePointer<Float>, weights: UnsafePointer<Float>,
  imageCotangent: UnsafeMutablePointer<Float>?, weightCotangent: UnsafeMutablePointer<Float>?
) {
  if let imageCotangent {
    plainDepthwiseImagePullback(
      window, channels: channels, cotangent: cotangent, weights: weights, target: imageCotangent)
  }
  if let weightCotangent {
    plainDepthwiseWeightPullback(
      window, channels: channels, cotangent: cotangent, image: image, target: weightCotangent)
  }
}

/// Gathers, for every pixel, the windows that read it.
private func plainDepthwiseImagePullback(
  _ window: PlainWindow, channels: Int, cotangent: UnsafePointer<Float>,
  weights: UnsafePointer<Float>, target: UnsafeMutablePointer<Float>
) {
  withPairs(window) { pairs in
    for y in 0..<window.height {
      for x in 0..<window.width {
        var count = 0
        for ky in 0..<window.kernelHeight {
          let (oy, restY) = (y &+ window.top &- ky &* window.dilationY)
            .quotientAndRemainder(dividingBy: window.strideY)
          guard restY == 0, oy >= 0, oy < window.outputHeight else { continue }
          for kx in 0..<window.kernelWidth {
            let (ox, restX) = (x &+ window.left &- kx &* window.dilationX)
              .quotientAndRemainder(dividingBy: window.strideX)
            guard restX == 0, ox >= 0, ox < window.outputWidth else { continue }
            pairs[count] = (
              (oy &* window.outputWidth &+ ox) &* channels,
              (ky &* window.kernelWidth &+ kx) &* channels
            )
            count &+= 1
          }
        }
        addProducts(
          pairs, count, cotangent, weights, to: target + (y &* window.width &+ x) &* channels,
          channels: channels)
      }
    }
  }
}

/// Adds up, for every tap and row of the output, the products along the row.
private func plainDepthwiseWeightPullback(
  _ window: PlainWindow, channels: Int, cotangent: UnsafePointer<Float>,
  image: UnsafePointer<Float>, target: UnsafeMutablePointer<Float>
) {
  for oy in 0..<window.outputHeight {
    for ky in 0..<window.kernelHeight {
      let y = oy &* window.strideY &- window.top &+ ky &* window.dilationY
      guard y >= 0, y < window.height else { continue }
      for kx in 0..<window.kernelWidth {
        // The windows of this row whose tap lies inside the image: 0 ≤ ox · stride + offset <
        // width.
        let offset = kx &* window.dilationX &- window.left
        let first = offset >= 0 ? 0 : (window.strideX &- 1 &- offset) / window.strideX
        let end =
          window.width <= offset
          ? 0 : min(window.outputWidth, (window.width &- 1 &- offset) / window.strideX &+ 1)
        guard first < end else { continue }
        let dy = cotangent + oy &* window.outputWidth &* channels
        let row = image + y &* window.width &* channels
        let sums = target + (ky &* window.kernelWidth &+ kx) &* channels
        forEachPanel(channels) { c in
          var sum = loadPanel(sums + c)
          for ox in first..<end {
            sum +=
              loadPanel(dy + (ox &* channels &+ c))
              * loadPanel(row + ((ox &* window.strideX &+ offset) &* channels &+ c))
          }
          storePanel(sum, sums + c)
        } rest: { c in
          var sum = sums[c]
          for ox in first..<end {
            sum += dy[ox &* channels &+ c] * row[(ox &* window.strideX &+ offset) &* channels &+ c]
          }
          sums[c] = sum
        }
      }
    }
  }
}

/// Adds `a[pair.0 + c] · b[pair.1 + c]`, over some pairs of offsets, to every channel of a row.
@inline(__always)
private func addProducts(
  _ pairs: UnsafePointer<(Int, Int)>, _ count: Int, _ a: UnsafePointer<Float>,
  _ b: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, channels: Int
) {
  forEachPanel(channels) { c in
    var sum = loadPanel(target + c)
    for i in 0..<count {
      sum += loadPanel(a + (pairs[i].0 &+ c)) * loadPanel(b + (pairs[i].1 &+ c))
    }
    storePanel(sum, target + c)
  } rest: { c in
    var sum = target[c]
    for i in 0..<count { sum += a[pairs[i].0 &+ c] * b[pairs[i].1 &+ c] }
    target[c] = sum
  }
}

/// Room for one pair of offsets a tap.
@inline(__always)
private func withPairs(_ window: PlainWindow, _ body: (UnsafeMutablePointer<(Int, Int)>) -> Void) {
  let pairs = UnsafeMutablePointer<(Int, Int)>.allocate(
    capacity: window.kernelHeight * window.kernelWidth)
  defer { pairs.deallocate() }
  body(pairs)
}
