package import PrismTensor

/// The gradients by the parameters of a convolution and of the normalisation with stored statistics
/// after it, as those by the weight W′ = γ/σ · W and the bias into which both are folded.
///
/// With z = W′ ∗ x + b′, the sum over positions of `dz · (W ∗ x)` is `⟨W, dW′⟩ / (γ/σ)`, from which
/// comes the derivative by γ without the convolution's own output.
package struct FoldedGradient: Sendable {
  /// The value that the convolution computes.
  package let convolution: ValueID
  /// The value that the normalisation computes.
  package let normalization: ValueID
  /// The value that is the gradient by W′.
  package let weight: ValueID
  /// The value that is the gradient by b′: the sum of the cotangent over positions.
  package let sum: ValueID

  /// The gradients by the parameters themselves.
  ///
  /// dW = dW′ · γ/σ, dγ = (⟨W, dW′⟩ + (b − μ) dβ) / σ, dβ = Σ dz, db = dβ · γ/σ, with b the bias of
  /// the convolution where there is one.
  ///
  /// - Parameters:
  ///   - weight: dW′, `[O, I, kH, kW]`.
  ///   - sum: dβ, `[O]`.
  ///   - recording: Has the parameters.
  /// - Returns: Tensors by the parameters' values; nothing where the recording is another.
  package func gradients(
    weight: Tensor, sum: Tensor, in recording: Recording
  ) -> [ValueID: Tensor] {
    let operands = recording.operands(of: convolution)
    let moments = recording.operands(of: normalization)
    guard let affine = ChannelAffine(normalization, in: recording),
      let original = recording.parameter(operands[1]),
      let mean = recording.parameter(moments[3])?.scalars
    else { return [:] }
    let bias = operands.count > 2 ? recording.parameter(operands[2])?.scalars : nil
    let sums = sum.scalars
    let factors = affine.roundedScale
    var result = [
      operands[1]: weight.scalingRows(by: factors), moments[2]: sum,
      moments[1]: Tensor(
        sum.shape,
        original.rowProducts(with: weight).enumerated().map { o, product in
          let shift = Double(bias?[o] ?? 0) - Double(mean[o])
          return Float((product + shift * Double(sums[o])) / affine.deviation[o])
        }),
    ]
    if operands.count > 2 {
      result[operands[2]] = Tensor(
        sum.shape, sums.indices.map { Float(Double(sums[$0]) * factors[$0]) })
    }
    return result
  }
}

extension Tensor {
  /// The inner product of every slice along the first axis with that of another tensor, accumulated
  /// in Double.
  fileprivate func rowProducts(with other: Tensor) -> [Double] {
    let rows = max(shape[0], 1)
    let length = count / rows
    return withUnsafePointer { a in
      other.withUnsafePointer { b in
        (0..<rows).map { row in
          let (a, b) = (a + row * length, b + row * length)
          // Four sums, none of which waits for another.
          var (s0, s1, s2, s3) = (0.0, 0.0, 0.0, 0.0)
          var i = 0
          while i + 4 <= length {
            s0 += Double(a[i]) * Double(b[i])
            s1 += Double(a[i + 1]) * Double(b[i + 1])
            s2 += Double(a[i + 2]) * Double(b[i + 2])
            s3 += Double(a[i + 3]) * Double(b[i + 3])
            i += 4
          }
          while i < length {
            s0 += Double(a[i]) * Double(b[i])
            i += 1
          }
          return (s0 + s1) + (s2 + s3)
        }
      }
    }
  }
}
