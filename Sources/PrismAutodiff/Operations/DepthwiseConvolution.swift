internal import PrismKernels
public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// A two-dimensional convolution of every channel with a kernel of its own.
///
/// Inputs: the image `[N, H, W, C]`, the weight `[C, 1, kH, kW]` and, optionally, the bias `[C]`.
/// Output: `[N, H′, W′, C]`. Same definition as `torch.nn.functional.conv2d` with as many groups as
/// channels.
public struct DepthwiseConvolution: ConvolutionPrimitive {
  /// The sliding window.
  public let window: SlidingWindow

  /// Makes a depthwise convolution.
  public init(window: SlidingWindow) {
    self.window = window
  }

  public var name: String { "depthwiseConvolution" }

  public func misfit(of weight: Shape, on image: Shape) -> String? {
    weight[0] == image[3] && weight[1] == 1 ? nil : "the weight needs one kernel a channel"
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { output.count * 2 * window.taps }

  // The weight in another order, and its cotangent in both.
  public func scratchSize(_ inputs: [Shape], output: Shape) -> Int { 3 * inputs[1].count }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let x = inputs[0]
    let channels = x.shape[3]
    let shape = window.outputShape(x.shape, channels: channels) ?? []
    let geometry = PlainWindow(window, input: x.shape, output: shape)
    let weights = tapsFirst(inputs[1])
    return Tensor(uninitialized: shape) { y in
      x.withUnsafePointer { x in
        weights.withUnsafePointer { weights in
          for n in 0..<shape[0] {
            plainDepthwise(
              geometry, channels: channels,
              image: x + n * geometry.pixels * channels,
              weights: weights, bias: nil,
              output: y + n * geometry.outputPixels * channels)
          }
        }
      }
      if inputs.count == 3 { addRow(inputs[2], to: y, rows: shape.count / channels) }
    }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let x = inputs[0]
    let channels = x.shape[3]
    let geometry = PlainWindow(window, input: x.shape, output: cotangent.shape)
    let weights = tapsFirst(inputs[1])
    var dx = wanted[0] ? Tensor(x.shape) : nil
    var dw = wanted[1] ? Tensor(weights.shape) : nil
    let imageCount = geometry.pixels * channels
    let outputCount = geometry.outputPixels * channels
    for n in 0..<x.shape[0] {
      cotangent.withUnsafePointer { dy in
        x.withUnsafePointer { x in
          weights.withUnsafePointer { weights in
            dx?.withUnsafeMutablePointer { dx in
              plainDepthwisePullback(
                geometry, channels: channels, cotangent: dy + n * outputCount,
                image: x + n * imageCount, weights: weights, imageCotangent: dx + n * imageCount,
                weightCotangent: nil)
            }
            dw?.withUnsafeMutablePointer { dw in
              plainDepthwisePullback(
                geometry, channels: channels, cotangent: dy + n * outputCount,
                image: x + n * imageCount, weights: weights, imageCotangent: nil,
                weightCotangent: dw)
            }
          }
        }
      }
    }
    let dWeight = dw.map {
      $0.transposingLastAxes(outer: 1, rows: window.taps, columns: channels)
        .reshaped(to: inputs[1].shape)
    }
    let db = wanted.count == 3 && wanted[2] ? sumOfRows(cotangent, channels: channels) : nil
    return [dx, dWeight, db].prefix(inputs.count).map { $0 }
  }

  /// `[C, 1, kH, kW]` to `[kH · kW, C]`, so that the innermost loop runs over channels.
  private func tapsFirst(_ weight: Tensor) -> Tensor {
    weight.transposingLastAxes(outer: 1, rows: weight.shape[0], columns: window.taps)
  }
}

extension Value {
  /// Records a depthwise convolution with this value as the image.
  ///
  /// - Parameters:
  ///   - weight: `[C, 1, kH, kW]`.
  ///   - bias: `[C]`, or `nil` for none.
  ///   - stride: The distance between windows, along both axes.
  ///   - padding: What surrounds the image.
  ///   - dilation: The distance between taps, along both axes.
  /// - Returns: `[N, H′, W′, C]`.
  public func depthwiseConvolution(
    _ weight: Value, bias: Value? = nil, stride: Int = 1, padding: Padding = .none,
    dilation: Int = 1
  ) -> Value {
    convolving(
      "depthwiseConvolution", weight, bias: bias, stride: stride, padding: padding,
      dilation: dilation
    ) { DepthwiseConvolution(window: $0) }
  }
}
