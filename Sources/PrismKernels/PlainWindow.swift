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
  /// The closure receives the output position, the tap and the input position, each as a flat index.
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

/// Copies the windows of some channels of an image into the rows of a matrix (im2col); padding becomes zero.
///
/// - Parameters:
///   - image: `[H, W, pixelStride]`, offset to the first of the channels.
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

/// Adds the rows of a matrix back to the windows they came from, the transpose of ``plainUnfold(_:image:pixelStride:channels:rows:)``.
///
/// - Parameters:
///   - rows: `[H′ · W′, kH · kW · channels]`.
///   - image: `[H, W, pixelStride]`, offset to the first of the channels; added to.
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
///   - image: `[H, W, C]`.
///   - weights: `[kH · kW, C]`.
///   - bias: `[C]`, or `nil` for zeros.
///   - output: `[H′, W′, C]`.
public func plainDepthwise(
  _ window: PlainWindow, channels: Int, image: UnsafePointer<Float>,
  weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, output: UnsafeMutablePointer<Float>
) {
  for position in 0..<window.outputHeight * window.outputWidth {
    let row = output + position * channels
    if let bias {
      row.update(from: bias, count: channels)
    } else {
      row.update(repeating: 0, count: channels)
    }
  }
  window.forEachTap { position, tap, input in
    let target = output + position &* channels
    let source = image + input &* channels
    let weight = weights + tap &* channels
    for c in 0..<channels { target[c] += source[c] * weight[c] }
  }
}

/// The cotangents of a depthwise convolution of one image; both are added to.
///
/// - Parameters:
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
    window.forEachTap { position, tap, input in
      let target = imageCotangent + input &* channels
      let source = cotangent + position &* channels
      let weight = weights + tap &* channels
      for c in 0..<channels { target[c] += source[c] * weight[c] }
    }
  }
  if let weightCotangent {
    window.forEachTap { position, tap, input in
      let target = weightCotangent + tap &* channels
      let source = cotangent + position &* channels
      let pixel = image + input &* channels
      for c in 0..<channels { target[c] += source[c] * pixel[c] }
    }
  }
}
