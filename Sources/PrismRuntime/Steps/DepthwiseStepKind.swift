internal import PrismKernels

/// What the middle of a chain of convolutions may be: a depthwise convolution, or the walk back
/// through one, which reads the small map and writes the large one.
protocol DepthwiseStepKind: PackedStepKind {
  /// The map that is read.
  var source: (height: Int, width: Int) { get }

  /// The map that is written.
  var target: (height: Int, width: Int) { get }

  /// Whether some channels can be computed by themselves.
  var suitsChannels: Bool { get }

  /// The rows of the source, inside the map, that rows of the target need.
  func sourceRows(under rows: Range<Int>) -> Range<Int>

  /// The most rows of the source that a number of neighbouring rows of the target need.
  func sourceRows(_ count: Int) -> Int

  /// Computes the rows of a job.
  func run(_ job: ConvolutionJob, _ kernels: Kernels)
}

extension DepthwiseStepKind {
  /// The channels of both maps.
  var channels: Int { shape.outputChannels }
}
