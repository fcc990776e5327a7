/// The gradient by the weights of a convolution, for one image.
package struct WeightGradientJob {
  /// The sizes of the convolution.
  package var shape: ConvolutionShape
  /// What was convolved.
  package var input: UnsafePointer<Float>
  /// Floats from one pixel of the input to the next.
  package var inputStride: Int
  /// The cotangent of the convolution's output.
  package var cotangent: UnsafePointer<Float>
  /// Floats from one pixel of the cotangent to the next.
  package var cotangentStride: Int
  /// What the gradient is added to, laid out as ``WeightGradientLayout`` says.
  package var sums: UnsafeMutablePointer<Float>
  /// ``WeightGradientLayout/scratchSize`` floats of the thread's own.
  package var scratch: UnsafeMutablePointer<Float>
  /// What the sum of the cotangent over all pixels is added to, where that is wanted too.
  package var channelSums: UnsafeMutablePointer<Float>?
  /// What is done to the input of a pointwise convolution first.
  package var prologue = Prologue()

  /// Makes a job.
  package init(
    shape: ConvolutionShape, input: UnsafePointer<Float>, inputStride: Int,
    cotangent: UnsafePointer<Float>, cotangentStride: Int, sums: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>
  ) {
    self.shape = shape
    self.input = input
    self.inputStride = inputStride
    self.cotangent = cotangent
    self.cotangentStride = cotangentStride
    self.sums = sums
    self.scratch = scratch
  }
}

/// The gradients by scale and offset of a batch normalisation with stored statistics, for one image.
package struct NormalizationGradientJob {
  /// The cotangent of what is normalised.
  package var cotangent: UnsafePointer<Float>
  /// Floats from one pixel of the cotangent to the next.
  package var cotangentStride: Int
  /// What was normalised.
  package var input: UnsafePointer<Float>
  /// Floats from one pixel of the input to the next.
  package var inputStride: Int
  /// The stored mean of every channel.
  package var mean: UnsafePointer<Float>
  /// One over the deviation of every channel.
  package var factor: UnsafePointer<Float>
  /// The pixels.
  package var pixels: Int
  /// The channels.
  package var channels: Int
  /// What the gradient by the scale is added to: the sum of the cotangent times the distance of the
  /// input from the mean, times the factor.
  package var scales: UnsafeMutablePointer<Float>
  /// What the gradient by the offset is added to, where it is wanted: the sum of the cotangent.
  package var offsets: UnsafeMutablePointer<Float>?

  /// Makes a job.
  package init(
    cotangent: UnsafePointer<Float>, cotangentStride: Int, input: UnsafePointer<Float>,
    inputStride: Int, mean: UnsafePointer<Float>, factor: UnsafePointer<Float>, pixels: Int,
    channels: Int, scales: UnsafeMutablePointer<Float>,
    offsets: UnsafeMutablePointer<Float>? = nil
  ) {
    self.cotangent = cotangent
    self.cotangentStride = cotangentStride
    self.input = input
    self.inputStride = inputStride
    self.mean = mean
    self.factor = factor
    self.pixels = pixels
    self.channels = channels
    self.scales = scales
    self.offsets = offsets
  }
}

/// How kernels lay out the gradient by the weights of a convolution, whatever the instruction set.
///
/// For every tap there is a matrix with one row a channel of one side and one column a channel of
/// the other, the one with more channels. Where the input has very few channels, those of all taps
/// are the rows of one matrix.
package struct WeightGradientLayout {
  /// The pixels whose products are added up at a time: few enough for the first-level cache.
  package static let mostPixels = 192
  /// The floats of columns are a multiple of this.
  private static let alignment = 16

  /// The matrices.
  package let taps: Int
  /// Whether the rows of the matrices are taps as well as channels.
  package let joinsTaps: Bool
  /// Whether columns are output channels.
  package let isByOutputs: Bool
  /// The rows of a matrix.
  package let rows: Int
  /// The columns of a matrix that count.
  package let columns: Int
  /// The floats from one row to the next.
  package let stride: Int
  private let isDepthwise: Bool

  /// Makes the layout for a convolution without groups.
  package init(_ shape: ConvolutionShape) {
    let taps = shape.kernelHeight * shape.kernelWidth
    let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
    isDepthwise = false
    joinsTaps = inputs < 8 && taps > 1
    self.taps = joinsTaps ? 1 : taps
    isByOutputs = joinsTaps || outputs >= inputs
    rows = isByOutputs ? (joinsTaps ? taps * inputs : inputs) : outputs
    columns = isByOutputs ? outputs : inputs
    stride = Self.aligned(columns)
  }

  /// The layout of a depthwise convolution: a row for every tap, a column for every channel.
  package init(depthwise shape: ConvolutionShape) {
    isDepthwise = true
    taps = 1
    joinsTaps = true
    isByOutputs = true
    rows = shape.kernelHeight * shape.kernelWidth
    columns = shape.inputChannels
    stride = Self.aligned(columns)
  }

  /// The floats of the gradient.
  package var size: Int { taps * rows * stride }

  /// The floats of one gathered row.
  package var rowStride: Int { Self.aligned(rows) }

  /// The floats of scratch: gathered rows, and a panel of columns.
  package var scratchSize: Int {
    isDepthwise ? Self.alignment : Self.mostPixels * (rowStride + 32)
  }

  /// A number of floats rounded up to whole vectors of any instruction set.
  package static func aligned(_ count: Int) -> Int {
    (count + alignment - 1) / alignment * alignment
  }
}
