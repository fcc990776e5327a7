// What the loops are told: plain structs of pointers and integers, shared by all variants.

/// A smooth activation, applied in a pass over the freshly stored block.
package enum Curve: UInt8, Sendable {
  /// No curve.
  case none
  /// `x / (1 + e^-x)`.
  case silu
  /// `1 / (1 + e^-x)`.
  case sigmoid
  /// `min(max(x / 6 + 1/2, 0), 1)`.
  case hardSigmoid
  /// `x · min(max(x + 3, 0), 6) / 6`.
  case hardSwish
  /// `x · Φ(x)`, with Φ the normal distribution.
  case gelu
  /// `x · Φ(x)` with Φ by the hyperbolic tangent.
  case geluTanh
}

/// The derivative of an activation as a function of one number that was kept.
package enum Slope: UInt8, Sendable {
  /// 1 where the number is positive, else 0: ReLU, of its input or its output.
  case positive
  /// 1 where the number is between 0 and 6, else 0: ReLU6, of its input or its output.
  case inside
  /// The derivative of SiLU at its input.
  case silu
  /// The derivative of the sigmoid whose output is the number.
  case sigmoid
  /// The derivative of hard-swish at its input.
  case hardSwish
  /// The derivative of `x / 6 + 1/2` between 0 and 1 at its input.
  case hardSigmoid
  /// The derivative of GELU at its input.
  case gelu
  /// 1 where a bit is set, else 0; the values are bits that a ``Keep`` has written.
  case bits
}

/// Where it is written which numbers are on the slope of a ReLU or ReLU6: one bit a number.
///
/// The layout is that of the variant that writes and reads it: an integer for each vector of
/// channels, so that jobs divide channels at multiples of vectors.
package struct Keep: Sendable {
  /// The integers of row 0.
  package nonisolated(unsafe) var bits: UnsafeMutableRawPointer
  /// The bytes from one row of the bits to the next.
  package var stride: Int
  /// Whether a number's bit is unset from 6 on.
  package var isBounded: Bool

  /// Makes a place for bits.
  package init(bits: UnsafeMutableRawPointer, stride: Int, isBounded: Bool) {
    self.bits = bits
    self.stride = stride
    self.isBounded = isBounded
  }

  /// The bytes of a row, for any variant.
  package static func rowSize(channels: Int) -> Int { (channels + 15) / 16 * 4 }

  /// The same for what begins at a row.
  package func advanced(row: Int) -> Keep {
    var keep = self
    keep.bits += row &* stride
    return keep
  }
}

/// What a cotangent is multiplied by on the walk back through an activation: a slope at numbers that
/// were kept.
package struct Gate: Sendable {
  /// The kept numbers, with the rows and channels of the output, or bits.
  package nonisolated(unsafe) var values: UnsafeRawPointer
  /// Floats from one row of the values to the next; for bits bytes.
  package var stride: Int
  /// The slope.
  package var slope: Slope
  /// One factor and one summand a channel, through which the values pass first; both or none.
  package nonisolated(unsafe) var scale: UnsafePointer<Float>?
  /// See `scale`.
  package nonisolated(unsafe) var shift: UnsafePointer<Float>?
  /// Whether nothing passes where the cotangent or the value is not positive.
  package var isGuided: Bool

  /// Makes a gate.
  package init(
    values: UnsafeRawPointer, stride: Int, slope: Slope, scale: UnsafePointer<Float>? = nil,
    shift: UnsafePointer<Float>? = nil, isGuided: Bool = false
  ) {
    self.values = values
    self.stride = stride
    self.slope = slope
    self.scale = scale
    self.shift = shift
    self.isGuided = isGuided
  }

  /// Sets how far rows of the kept numbers, or of bits, are apart, in floats.
  package mutating func setStride(floats: Int) {
    stride = slope == .bits ? floats * MemoryLayout<Float>.stride : floats
  }

  /// The same gate for what begins at a row.
  package func advanced(row: Int) -> Gate {
    var gate = self
    gate.values += row &* stride &* (slope == .bits ? 1 : 4)
    return gate
  }
}

/// What happens to a sum before it is stored: residual, clamp, curve.
///
/// The order is `curve(clamp(sum + residual))`, or `curve(clamp(sum)) + residual` when
/// `residualAfterActivation` is set. A NaN passes every stage. A gate takes the place of clamp and
/// curve.
package struct Epilogue: Sendable {
  /// The smallest value let through.
  package var low: Float
  /// The largest value let through.
  package var high: Float
  /// The smooth activation.
  package var curve: Curve
  /// A tensor with the rows and channels of the output, added to it; it may be the output itself.
  package nonisolated(unsafe) var residual: UnsafePointer<Float>?
  /// Floats from one row of the residual to the next.
  package var residualStride: Int
  /// Whether the residual is added after the activation instead of before.
  package var residualAfterActivation: Bool
  /// The walk back through an activation, instead of one; its values may not be the output.
  package var gate: Gate?
  /// Where the bits of what is stored go; only with ReLU or ReLU6, and no residual after it.
  package var keep: Keep?

  /// Makes an epilogue; without arguments it does nothing.
  package init(
    low: Float = -.infinity, high: Float = .infinity, curve: Curve = .none,
    residual: UnsafePointer<Float>? = nil, residualStride: Int = 0,
    residualAfterActivation: Bool = false, gate: Gate? = nil
  ) {
    self.gate = gate
    self.low = low
    self.high = high
    self.curve = curve
    self.residual = residual
    self.residualStride = residualStride
    self.residualAfterActivation = residualAfterActivation
  }

  /// Whether nothing happens but the clamp.
  package var isClamp: Bool {
    curve == .none && residual == nil && gate == nil && keep == nil
  }

  /// No activation.
  package static var none: Epilogue { Epilogue() }
  /// `max(x, 0)`.
  package static var relu: Epilogue { Epilogue(low: 0) }
  /// `min(max(x, 0), 6)`.
  package static var relu6: Epilogue { Epilogue(low: 0, high: 6) }
  /// `x / (1 + e^-x)`.
  package static var silu: Epilogue { Epilogue(curve: .silu) }
  /// `1 / (1 + e^-x)`.
  package static var sigmoid: Epilogue { Epilogue(curve: .sigmoid) }
  /// `min(max(x / 6 + 1/2, 0), 1)`.
  package static var hardSigmoid: Epilogue { Epilogue(curve: .hardSigmoid) }
  /// `x · min(max(x + 3, 0), 6) / 6`.
  package static var hardSwish: Epilogue { Epilogue(curve: .hardSwish) }
  /// `x · Φ(x)`.
  package static var gelu: Epilogue { Epilogue(curve: .gelu) }
  /// `x · Φ(x)` with Φ by the hyperbolic tangent.
  package static var geluTanh: Epilogue { Epilogue(curve: .geluTanh) }
}

/// What happens to an input before it is multiplied: `relu(x * scale + shift)`, channel by channel.
///
/// Batch normalisation in front of a convolution gives scale, shift and ReLU; a
/// squeeze-and-excitation gate gives only a scale.
package struct Prologue: Sendable {
  /// One factor per input channel.
  package nonisolated(unsafe) var scale: UnsafePointer<Float>?
  /// One summand per input channel.
  package nonisolated(unsafe) var shift: UnsafePointer<Float>?
  /// Whether negative values become zero afterwards.
  package var relu: Bool

  /// Makes a prologue; without arguments it does nothing.
  package init(
    scale: UnsafePointer<Float>? = nil, shift: UnsafePointer<Float>? = nil, relu: Bool = false
  ) {
    self.scale = scale
    self.shift = shift
    self.relu = relu
  }
}

/// A product of a matrix of pixels with a matrix of weights: `C[M, N] = A[M, K] · B[K, N] + bias`.
package struct PointwiseJob {
  /// `A`: row 0 of the pixels `[M, K]`.
  package var input: UnsafePointer<Float>
  /// Floats from one row of `A` to the next, at least `K`.
  package var inputStride: Int
  /// `B` and the bias as `packPointwise` wrote them.
  package var weights: UnsafePointer<Float>
  /// `C`: row 0 of the result `[M, N]`.
  package var output: UnsafeMutablePointer<Float>
  /// Floats from one row of `C` to the next, at least `N`.
  package var outputStride: Int
  /// `K`.
  package var inputChannels: Int
  /// `N`.
  package var outputChannels: Int
  /// The first row to compute.
  package var rowStart: Int
  /// The row after the last one to compute.
  package var rowEnd: Int
  /// The first panel of output channels to compute.
  package var panelStart: Int
  /// The panel after the last one to compute; larger values mean all.
  package var panelEnd: Int
  /// What is done to the sums.
  package var epilogue: Epilogue
  /// What is done to the input.
  package var prologue: Prologue
  /// `pointwiseScratch` floats for this thread; only read when that is not zero.
  package var scratch: UnsafeMutablePointer<Float>?

  /// Makes a job over all rows and panels.
  package init(
    input: UnsafePointer<Float>, inputStride: Int, weights: UnsafePointer<Float>,
    output: UnsafeMutablePointer<Float>, outputStride: Int, rows: Int, inputChannels: Int,
    outputChannels: Int, epilogue: Epilogue = .none, prologue: Prologue = Prologue(),
    scratch: UnsafeMutablePointer<Float>? = nil
  ) {
    self.input = input
    self.inputStride = inputStride
    self.weights = weights
    self.output = output
    self.outputStride = outputStride
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.rowStart = 0
    self.rowEnd = rows
    self.panelStart = 0
    self.panelEnd = Int.max
    self.epilogue = epilogue
    self.prologue = prologue
    self.scratch = scratch
  }
}

/// The shape of a convolution over one image; every padding may differ.
package struct ConvolutionShape: Sendable, Equatable {
  /// Rows of the input.
  package var inputHeight: Int
  /// Columns of the input.
  package var inputWidth: Int
  /// Channels of the input.
  package var inputChannels: Int
  /// Channels of the output; the same as those of the input when depthwise.
  package var outputChannels: Int
  /// Rows of the kernel.
  package var kernelHeight: Int
  /// Columns of the kernel.
  package var kernelWidth: Int
  /// Rows between two outputs.
  package var strideHeight: Int
  /// Columns between two outputs.
  package var strideWidth: Int
  /// Rows of zeros above.
  package var paddingTop: Int
  /// Columns of zeros to the left.
  package var paddingLeft: Int
  /// Rows of zeros below.
  package var paddingBottom: Int
  /// Columns of zeros to the right.
  package var paddingRight: Int

  /// Makes a shape.
  ///
  /// - Precondition: Sizes and strides are at least 1, paddings at least 0 and smaller than the
  ///   kernel, and the kernel fits into the padded input.
  package init(
    inputHeight: Int, inputWidth: Int, inputChannels: Int, outputChannels: Int, kernelHeight: Int,
    kernelWidth: Int, strideHeight: Int, strideWidth: Int, paddingTop: Int, paddingLeft: Int,
    paddingBottom: Int, paddingRight: Int
  ) {
    self.inputHeight = inputHeight
    self.inputWidth = inputWidth
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.kernelHeight = kernelHeight
    self.kernelWidth = kernelWidth
    self.strideHeight = strideHeight
    self.strideWidth = strideWidth
    self.paddingTop = paddingTop
    self.paddingLeft = paddingLeft
    self.paddingBottom = paddingBottom
    self.paddingRight = paddingRight
    let dimensions = [
      inputHeight, inputWidth, inputChannels, outputChannels, kernelHeight, kernelWidth,
      strideHeight, strideWidth,
    ]
    precondition(dimensions.allSatisfy { $0 > 0 }, "convolution: sizes and strides are positive")
    precondition(
      [paddingTop, paddingBottom].allSatisfy { $0 >= 0 && $0 < kernelHeight }
        && [paddingLeft, paddingRight].allSatisfy { $0 >= 0 && $0 < kernelWidth }
        && inputHeight + paddingTop + paddingBottom >= kernelHeight
        && inputWidth + paddingLeft + paddingRight >= kernelWidth,
      "convolution: padding and kernel fit the input")
    outputHeight =
      (inputHeight + paddingTop + paddingBottom - kernelHeight) / strideHeight + 1
    outputWidth = (inputWidth + paddingLeft + paddingRight - kernelWidth) / strideWidth + 1
  }

  /// Rows of the output.
  package let outputHeight: Int
  /// Columns of the output.
  package let outputWidth: Int
}

/// Where F(4×4, 3×3) evaluates the polynomials that it multiplies.
package enum WinogradPoints: UInt8, Sendable {
  /// At 0, ±1, ±2 and infinity.
  case whole
  /// At 0, ±5/8, ±3/2 and infinity: half the rounding error, for a few more products.
  case near
}

/// A convolution of one image: `[H, W, I]` to `[H', W', O]`, rows of pixels without gaps, pixels
/// with a stride.
package struct ConvolutionJob {
  /// The sizes.
  package var shape: ConvolutionShape
  /// The image `[H, W, I]`.
  package var input: UnsafePointer<Float>
  /// Floats from one pixel of the input to the next, at least `I`.
  package var inputStride: Int
  /// The packed weights and bias of the kernel that runs this.
  package var weights: UnsafePointer<Float>
  /// The result `[H', W', O]`.
  package var output: UnsafeMutablePointer<Float>
  /// Floats from one pixel of the output to the next, at least `O`.
  package var outputStride: Int
  /// The first output row to compute (for Winograd the first tile, in row-major order of the
  /// columns that are computed).
  package var rowStart: Int
  /// The row (or tile) after the last one.
  package var rowEnd: Int
  /// The first output column to compute (for Winograd the first column of tiles).
  package var columnStart = 0
  /// The column (of tiles) after the last one to compute; larger values mean all.
  package var columnEnd = Int.max
  /// The first channel to compute; depthwise, dense where a panel begins, and Winograd in groups
  /// where a group begins.
  package var channelStart = 0
  /// The channel after the last one to compute; larger values mean all.
  package var channelEnd = Int.max
  /// How many numbers behind a pixel's last channel may be overwritten; dense alone, and without a
  /// residual.
  package var spareChannels = 0
  /// The points of Winograd's algorithm.
  package var points = WinogradPoints.whole
  /// What is done to the sums; the residual has the pixels of the output.
  package var epilogue: Epilogue
  /// What is done to the input before padding; not for depthwise.
  package var prologue: Prologue
  /// Scratch of this thread, as large as the size function says.
  package var scratch: UnsafeMutablePointer<Float>?

  /// Makes a job over all output rows.
  package init(
    shape: ConvolutionShape, input: UnsafePointer<Float>, inputStride: Int? = nil,
    weights: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, outputStride: Int? = nil,
    epilogue: Epilogue = .none, prologue: Prologue = Prologue(),
    scratch: UnsafeMutablePointer<Float>? = nil
  ) {
    self.shape = shape
    self.input = input
    self.inputStride = inputStride ?? shape.inputChannels
    self.weights = weights
    self.output = output
    self.outputStride = outputStride ?? shape.outputChannels
    self.rowStart = 0
    self.rowEnd = shape.outputHeight
    self.epilogue = epilogue
    self.prologue = prologue
    self.scratch = scratch
  }
}

/// A fully connected layer: `C[M, N] = A[M, K] · Wᵀ + bias`.
package struct FullyConnectedJob {
  /// `A`: `[M, K]`.
  package var input: UnsafePointer<Float>
  /// Floats from one row of `A` to the next.
  package var inputStride: Int
  /// `W`: `[N, K]` without gaps, not packed.
  package var weights: UnsafePointer<Float>
  /// `[N]`, or nil for zero.
  package var bias: UnsafePointer<Float>?
  /// `C`: `[M, N]`.
  package var output: UnsafeMutablePointer<Float>
  /// Floats from one row of `C` to the next.
  package var outputStride: Int
  /// `M`.
  package var rows: Int
  /// `K`.
  package var inputs: Int
  /// The first output to compute.
  package var outputStart: Int
  /// The output after the last one.
  package var outputEnd: Int
  /// What is done to the sums; a residual must not be the output.
  package var epilogue: Epilogue

  /// Makes a job over all outputs.
  package init(
    input: UnsafePointer<Float>, inputStride: Int, weights: UnsafePointer<Float>,
    bias: UnsafePointer<Float>?, output: UnsafeMutablePointer<Float>, outputStride: Int,
    rows: Int, inputs: Int, outputs: Int, epilogue: Epilogue = .none
  ) {
    self.input = input
    self.inputStride = inputStride
    self.weights = weights
    self.bias = bias
    self.output = output
    self.outputStride = outputStride
    self.rows = rows
    self.inputs = inputs
    self.outputStart = 0
    self.outputEnd = outputs
    self.epilogue = epilogue
  }
}
