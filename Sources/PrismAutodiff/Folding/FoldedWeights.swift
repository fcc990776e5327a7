internal import PrismKernels
package import PrismTensor

/// A convolution's weight and bias with the batch normalisation after it multiplied in.
package struct FoldedWeights {
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
}
