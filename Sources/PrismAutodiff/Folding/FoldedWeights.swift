internal import PrismKernels
package import PrismTensor

/// A convolution's weight and bias with the batch normalisation after it multiplied in.
package struct FoldedWeights: Sendable {
  /// `[O, I, kH, kW]`.
  package let weights: Tensor
  /// `[O]`.
  package let bias: Tensor

  /// Folds a recorded normalisation into the convolution before it.
  ///
  /// - Parameters:
  ///   - convolution: A value that a convolution computes.
  ///   - normalization: The value that a normalisation with stored statistics computes from it;
  ///     `nil` for none.
  ///   - recording: Has both values.
  /// - Throws: `OutOfMemoryError` where there is no room for the folded weight.
  package init(_ convolution: ValueID, normalization: ValueID?, in recording: Recording) throws {
    let operands = recording.operands(of: convolution)
    let weight = recording.parameter(operands[1]) ?? Tensor(0)
    let outputs = weight.shape[0]
    var bias = [Double](repeating: 0, count: outputs)
    if operands.count > 2, let given = recording.parameter(operands[2]) {
      bias = given.scalars.map(Double.init)
    }
    guard let affine = normalization.flatMap({ ChannelAffine($0, in: recording) }) else {
      weights = weight
      self.bias = try Memory.expecting(floats: outputs) {
        Tensor([outputs], bias.map { Float($0) })
      }
      return
    }
    (weights, self.bias) = try Memory.expecting(floats: weight.count + outputs) {
      let shifted = bias.indices.map { Float(bias[$0] * affine.scale[$0] + affine.shift[$0]) }
      return (weight.scalingRows(by: affine.scale), Tensor([outputs], shifted))
    }
  }

  /// Makes the weights of the convolution by which cotangents go back through another: its kernels
  /// turned by 180 degrees, its inputs and outputs exchanged, and no bias.
  ///
  /// - Parameters:
  ///   - convolution: A value that a convolution computes, in groups or not, or a depthwise one
  ///     with an output for every channel.
  ///   - normalization: The value that a normalisation with stored statistics computes from it;
  ///     `nil` for none.
  ///   - before: Such a normalisation before it, of which each channel is multiplied by the factor;
  ///     `nil` for none.
  ///   - recording: Has the values.
  /// - Throws: `OutOfMemoryError` where there is no room for the weights.
  package init(
    reversing convolution: ValueID, normalization: ValueID?, before: ValueID?,
    in recording: Recording
  ) throws {
    let folded = try FoldedWeights(convolution, normalization: normalization, in: recording)
    let primitive = recording.primitive(of: convolution)
    let groups =
      primitive is DepthwiseConvolution
      ? folded.weights.shape[0] : (primitive as? Convolution)?.groups ?? 1
    let weight = folded.weights
    let turned = try Memory.expecting(floats: 2 * weight.count) {
      Self.turned(weight, groups: groups)
    }
    if let before, let affine = ChannelAffine(before, in: recording) {
      weights = turned.scalingRows(by: affine.scale)
    } else {
      weights = turned
    }
    bias = Tensor([turned.shape[0]])
  }

  /// `[O, I, kH, kW]` as `[groups · I, O / groups, kH, kW]` with turned kernels.
  private static func turned(_ weight: Tensor, groups: Int) -> Tensor {
    let (outputs, inputs) = (weight.shape[0] / groups, weight.shape[1])
    let taps = weight.shape[2] * weight.shape[3]
    let shape = Shape([groups * inputs, outputs, weight.shape[2], weight.shape[3]])
    return Tensor(uninitialized: shape) { target in
      weight.withUnsafePointer { source in
        // Some outputs at a time, whose lines stay in the cache while all inputs are written.
        let block = 8
        for g in 0..<groups {
          for first in stride(from: 0, to: outputs, by: block) {
            let end = min(first + block, outputs)
            for i in 0..<inputs {
              for o in first..<end {
                let from = source + ((g * outputs + o) * inputs + i) * taps
                let to = target + ((g * inputs + i) * outputs + o) * taps
                for t in 0..<taps { to[t] = from[taps - 1 - t] }
              }
            }
          }
        }
      }
    }
  }
}
