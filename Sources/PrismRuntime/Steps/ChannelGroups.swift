internal import PrismKernels

/// The groups of a convolution.
///
/// Where a group has fewer outputs than a vector register has numbers, as many as fit are computed
/// as one, with zeros for the weights between them: that takes no more products, and fewer passes.
struct ChannelGroups: Sendable {
  /// The groups of the convolution.
  let count: Int
  /// How many of them are computed as one.
  private let joined: Int
  /// The sizes of what is computed as one.
  let part: ConvolutionShape

  init(_ shape: ConvolutionShape, groups: Int, vectorWidth: Int) {
    let outputs = shape.outputChannels / groups
    let joined = (1...groups).last { groups % $0 == 0 && outputs * $0 <= vectorWidth } ?? 1
    var part = shape
    part.inputChannels = shape.inputChannels / groups * joined
    part.outputChannels = outputs * joined
    self.count = groups
    self.joined = joined
    self.part = part
  }

  /// What is computed one after the other.
  var parts: Int { count / joined }

  /// Gives the weights `[O, I, kH, kW]` of each part, with its bias.
  func forEachPart(
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    _ body: (
      _ index: Int, _ weights: UnsafePointer<Float>, _ bias: UnsafePointer<Float>
    ) -> Void
  ) {
    let taps = part.kernelHeight * part.kernelWidth
    let (inputs, outputs) = (part.inputChannels / joined, part.outputChannels / joined)
    var block = [Float](repeating: 0, count: part.outputChannels * part.inputChannels * taps)
    for index in 0..<parts {
      for output in 0..<part.outputChannels {
        let source = weights + (index * part.outputChannels + output) * inputs * taps
        let first = (output * part.inputChannels + output / outputs * inputs) * taps
        for i in 0..<inputs * taps { block[first + i] = source[i] }
      }
      block.withUnsafeBufferPointer { block in
        guard let base = block.baseAddress else { return }
        body(index, base, bias + index * part.outputChannels)
      }
    }
  }
}
