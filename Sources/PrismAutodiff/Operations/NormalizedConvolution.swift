internal import PrismKernels
public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// A convolution, its batch normalisation with stored statistics, and a clamp, as one step.
///
/// Inputs: the image `[N, H, W, I]`, the weight (`[O, I, kH, kW]`, or `[C, 1, kH, kW]` where
/// depthwise), then scale, offset, mean and variance of the normalisation, each `[O]`. Output:
/// `[N, H′, W′, O]`, the same numbers as those of ``Convolution`` (or ``DepthwiseConvolution``),
/// ``BatchNormalization`` and the clamp one after the other, up to rounding.
///
/// The normalisation is folded into the weight, so that only the clamped output has to be kept for
/// the pullback: with z = W′ ∗ x + b′ and W′ = γ/σ · W, the sum over positions of `dz · (W ∗ x)` is
/// `⟨W, dW′⟩`, from which come the derivatives by γ and σ without the convolution's own output.
public struct NormalizedConvolution: Primitive {
  /// The sliding window.
  public let window: SlidingWindow
  /// Whether every channel has a kernel of its own.
  public let isDepthwise: Bool
  /// What is added to the variance.
  public let epsilon: Float
  /// Where the clamp begins: 0 for a rectifier, −∞ for none.
  public let low: Float
  /// Where the clamp ends: 6 for ReLU6, +∞ for none.
  public let high: Float

  /// Makes the operation.
  public init(
    window: SlidingWindow, isDepthwise: Bool, epsilon: Float, low: Float = -.infinity,
    high: Float = .infinity
  ) {
    self.window = window
    self.isDepthwise = isDepthwise
    self.epsilon = epsilon
    self.low = low
    self.high = high
  }

  public var name: String { "normalizedConvolution" }

  public var nature: Nature { isClamped ? .other : .linear }

  public var reach: Reach { window.isPointwise ? .pointwise : .window(window) }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(6...6, inputs)
    let shape = try plain.outputShape(Array(inputs[..<2]))
    _ = try BatchNormalization(epsilon: epsilon).outputShape([shape] + inputs[2...])
    return shape
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int {
    plain.flops(inputs, output: output) + 3 * output.count
  }

  /// The convolution alone.
  private var plain: any Primitive {
    isDepthwise ? DepthwiseConvolution(window: window) : Convolution(window: window)
  }

  // What the convolution takes, the folded weight, turned and packed, the cotangent before the
  // clamp, and what the kernels compute in.
  public func scratchSize(_ inputs: [Shape], output: Shape) -> Int {
    let largest = max(inputs[0].count, output.count)
    return plain.scratchSize(Array(inputs[..<2]), output: output) + 6 * inputs[1].count
      + 2 * largest + (64 << 10)
  }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let folded = folded(inputs)
    let x = inputs[0]
    let epilogue = Epilogue(low: low, high: high)
    if window.isPointwise, !isDepthwise {
      return pointwise(
        x, folded.weight, steps: (1, x.shape[3]), outputs: folded.weight.shape[0],
        bias: folded.bias, epilogue)
    }
    if isDepthwise, let shape = shape(x.shape, padding: window) {
      return depthwise(x, folded.weight, bias: folded.bias, shape, epilogue)
    }
    let y = plain.forward([x, folded.weight, folded.bias])
    return !isClamped ? y : y.map { min(max($0, low), high) }
  }

  // With dz the cotangent before the clamp and W′ = W · γ/σ: dβ = Σ dz, dx and dW′ as of the
  // convolution with W′, dW = dW′ · γ/σ, dγ = (⟨W, dW′⟩ − μ dβ) / σ, dμ = −γ/σ · dβ,
  // dσ² = −γ / (2 σ²) · dγ.
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let x = inputs[0]
    let channels = output.shape[3]
    let folded = folded(inputs)
    let needsSums = wanted[2...].contains(true)
    let (dz, sums) = clampPullback(cotangent, output, needsSums: needsSums)
    var results = [Tensor?](repeating: nil, count: 6)
    if wanted[0] { results[0] = imagePullback(dz, x, folded.weight) }
    if needsSums { results[3] = Tensor([channels], sums.map(Float.init)) }

    if wanted[1] || wanted[2] || wanted[5] {
      let dWeight = weightPullback(dz, x, folded.weight)
      let length = dWeight.count / channels
      if wanted[1] { results[1] = dWeight.scalingRows(by: folded.affine.roundedScale) }
      if wanted[2] || wanted[5] {
        let mean = inputs[4].scalars
        var dScale: [Float] = []
        inputs[1].withUnsafePointer { w in
          dWeight.withUnsafePointer { dw in
            for o in 0..<channels {
              var total = -Double(mean[o]) * sums[o]
              for i in (o * length)..<((o + 1) * length) { total += Double(w[i]) * Double(dw[i]) }
              dScale.append(Float(total / folded.affine.deviation[o]))
            }
          }
        }
        let (scale, deviation) = (inputs[2].scalars, folded.affine.deviation)
        if wanted[5] {
          results[5] = Tensor(
            [channels],
            dScale.indices.map {
              Float(-0.5 * Double(scale[$0]) / (deviation[$0] * deviation[$0]) * Double(dScale[$0]))
            })
        }
        if wanted[2] { results[2] = Tensor([channels], dScale) }
      }
    }
    if wanted[4] {
      results[4] = Tensor(
        [channels], sums.indices.map { Float(-folded.affine.roundedScale[$0] * sums[$0]) })
    }
    if !wanted[3] { results[3] = nil }
    return results
  }

  /// Whether the clamp changes anything.
  private var isClamped: Bool { low > -.infinity || high < .infinity }

  /// The normalisation, and the convolution with it folded in.
  ///
  /// The factors are rounded before they are multiplied in, so that the pullback can apply the
  /// same.
  private func folded(_ inputs: [Tensor]) -> (affine: ChannelAffine, weight: Tensor, bias: Tensor) {
    let affine = ChannelAffine(
      scale: inputs[2], offset: inputs[3], mean: inputs[4], variance: inputs[5], epsilon: epsilon)
    return (
      affine, inputs[1].scalingRows(by: affine.roundedScale),
      Tensor([affine.shift.count], affine.shift.map(Float.init))
    )
  }

  /// The cotangent before the clamp and its sums over rows.
  private func clampPullback(
    _ cotangent: Tensor, _ output: Tensor, needsSums: Bool
  ) -> (Tensor, [Double]) {
    guard isClamped || needsSums else { return (cotangent, []) }
    let channels = output.shape[3]
    var sums = [Double](repeating: 0, count: needsSums ? channels : 0)
    let dz = Tensor(uninitialized: output.shape) { dz in
      cotangent.withUnsafePointer { dy in
        output.withUnsafePointer { y in
          sums.withUnsafeMutableBufferPointer { sums in
            plainClampPullback(
              rows: output.count / channels, channels: channels, low: low, high: high,
              cotangent: dy, output: y, into: dz, sums: needsSums ? sums.baseAddress : nil)
          }
        }
      }
    }
    return (dz, sums)
  }

  private func imagePullback(_ dz: Tensor, _ x: Tensor, _ weight: Tensor) -> Tensor? {
    if window.isPointwise, !isDepthwise {
      return pointwise(
        dz, weight, steps: (x.shape[3], 1), outputs: x.shape[3], bias: nil, Epilogue())
    }
    // The transpose of a depthwise convolution without stride is one with the kernel turned around.
    if isDepthwise, let turned = turnedWindow, let shape = shape(dz.shape, padding: turned) {
      let taps = window.taps
      let flipped = weight.withUnsafePointer { w in
        Tensor(uninitialized: weight.shape) { target in
          for c in 0..<weight.shape[0] {
            for t in 0..<taps { target[c * taps + t] = w[c * taps + taps - 1 - t] }
          }
        }
      }
      return depthwise(dz, flipped, bias: nil, shape, Epilogue())
    }
    return plain.pullback(dz, inputs: [x, weight], output: dz, wanted: [true, false])[0]
  }

  private func weightPullback(_ dz: Tensor, _ x: Tensor, _ weight: Tensor) -> Tensor {
    plain.pullback(dz, inputs: [x, weight], output: dz, wanted: [false, true])[1]
      ?? Tensor(weight.shape)
  }

  /// The window of the transposed convolution, where that is one.
  private var turnedWindow: SlidingWindow? {
    func turned(_ axis: SlidingWindow.Axis) -> SlidingWindow.Axis? {
      guard axis.stride == 1, axis.dilation == 1, axis.before < axis.kernel,
        axis.after < axis.kernel
      else {
        return nil
      }
      return SlidingWindow.Axis(
        kernel: axis.kernel, before: axis.kernel - 1 - axis.before,
        after: axis.kernel - 1 - axis.after)
    }
    guard let vertical = turned(window.vertical), let horizontal = turned(window.horizontal)
    else { return nil }
    return SlidingWindow(vertical: vertical, horizontal: horizontal)
  }

  /// The sizes as the depthwise kernel takes them; `nil` where it does not.
  private func shape(_ input: Shape, padding window: SlidingWindow) -> ConvolutionShape? {
    let (v, h) = (window.vertical, window.horizontal)
    guard v.dilation == 1, h.dilation == 1, max(v.before, v.after) < v.kernel,
      max(h.before, h.after) < h.kernel
    else { return nil }
    return ConvolutionShape(
      inputHeight: input[1], inputWidth: input[2], inputChannels: input[3],
      outputChannels: input[3], kernelHeight: v.kernel, kernelWidth: h.kernel,
      strideHeight: v.stride, strideWidth: h.stride, paddingTop: v.before, paddingLeft: h.before,
      paddingBottom: v.after, paddingRight: h.after)
  }

  private func pointwise(
    _ x: Tensor, _ weight: Tensor, steps: (input: Int, output: Int), outputs: Int, bias: Tensor?,
    _ epilogue: Epilogue
  ) -> Tensor {
    let kernels = Kernels.preferred
    let inputs = x.shape[3]
    let packed = Tensor(
      uninitialized: [
        kernels.pointwisePackedSize(inputChannels: inputs, outputChannels: outputs)
      ]
    ) { packed in
      weight.withUnsafePointer { weight in
        func pack(_ bias: UnsafePointer<Float>?) {
          kernels.packPointwise(
            weights: weight, inputStep: steps.input, outputStep: steps.output, bias: bias,
            inputChannels: inputs, outputChannels: outputs, into: packed)
        }
        if let bias { bias.withUnsafePointer { pack($0) } } else { pack(nil) }
      }
    }
    var scratch = Tensor(uninitialized: [
      max(
        1,
        kernels.pointwiseScratchSize(
          inputChannels: inputs, inputStride: inputs, outputChannels: outputs, hasPrologue: false))
    ]) { _ in }
    let rows = x.count / inputs
    return Tensor(uninitialized: x.shape.replacing(axis: 3, with: outputs)) { y in
      x.withUnsafePointer { x in
        packed.withUnsafePointer { packed in
          scratch.withUnsafeMutablePointer { scratch in
            kernels.pointwise(
              PointwiseJob(
                input: x, inputStride: inputs, weights: packed, output: y, outputStride: outputs,
                rows: rows, inputChannels: inputs, outputChannels: outputs, epilogue: epilogue,
                scratch: scratch))
          }
        }
      }
    }
  }

  private func depthwise(
    _ x: Tensor, _ weight: Tensor, bias: Tensor?, _ shape: ConvolutionShape, _ epilogue: Epilogue
  ) -> Tensor {
    let kernels = Kernels.preferred
    let channels = shape.inputChannels
    let packed = Tensor(
      uninitialized: [
        kernels.depthwisePackedSize(
          channels: channels, kernelHeight: shape.kernelHeight, kernelWidth: shape.kernelWidth)
      ]
    ) { packed in
      weight.withUnsafePointer { weight in
        func pack(_ bias: UnsafePointer<Float>?) {
          kernels.packDepthwise(
            weights: weight, bias: bias, channels: channels, kernelHeight: shape.kernelHeight,
            kernelWidth: shape.kernelWidth, into: packed)
        }
        if let bias { bias.withUnsafePointer { pack($0) } } else { pack(nil) }
      }
    }
    let images = x.shape[0]
    let (inputSize, outputSize) = (
      shape.inputHeight * shape.inputWidth * channels,
      shape.outputHeight * shape.outputWidth * channels
    )
    return Tensor(uninitialized: [images, shape.outputHeight, shape.outputWidth, channels]) { y in
      x.withUnsafePointer { x in
        packed.withUnsafePointer { packed in
          for n in 0..<images {
            kernels.depthwise(
              ConvolutionJob(
                shape: shape, input: x + n * inputSize, weights: packed,
                output: y + n * outputSize, epilogue: epilogue))
          }
        }
      }
    }
  }
}

extension Value {
  /// Records a convolution, its normalisation with stored statistics and a clamp as one step.
  ///
  /// - Parameters:
  ///   - operation: The operation.
  ///   - weight: `[O, I, kH, kW]`, or `[C, 1, kH, kW]` where depthwise.
  ///   - scale: γ, `[O]`.
  ///   - offset: β, `[O]`.
  ///   - mean: The stored mean, `[O]`.
  ///   - variance: The stored variance, `[O]`.
  /// - Returns: `[N, H′, W′, O]`.
  public func normalizedConvolution(
    _ operation: NormalizedConvolution, weight: Value, scale: Value, offset: Value, mean: Value,
    variance: Value
  ) -> Value {
    applying(operation, [weight, scale, offset, mean, variance])
  }
}
