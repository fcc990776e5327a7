package import PrismTensor

/// A batch normalisation with constant statistics as one factor and one summand a channel.
package struct ChannelAffine {
  /// √(variance + ε) of every channel.
  package let deviation: [Double]
  /// The factor of every channel.
  package let scale: [Double]
  /// The summand of every channel.
  package let shift: [Double]

  /// The factors, rounded to single precision.
  var roundedScale: [Double] { scale.map { Double(Float($0)) } }

  /// Makes the affine function of a normalisation.
  ///
  /// - Parameters:
  ///   - scale: γ, `[C]`.
  ///   - offset: β, `[C]`.
  ///   - mean: The stored mean, `[C]`.
  ///   - variance: The stored variance, `[C]`.
  ///   - epsilon: What is added to the variance.
  package init(scale: Tensor, offset: Tensor, mean: Tensor, variance: Tensor, epsilon: Float) {
    let (gamma, beta, mean) = (scale.scalars, offset.scalars, mean.scalars)
    let deviation = variance.scalars.map { (Double($0) + Double(epsilon)).squareRoot() }
    let factors = gamma.indices.map { Double(gamma[$0]) / deviation[$0] }
    shift = factors.indices.map { Double(beta[$0]) - Double(mean[$0]) * factors[$0] }
    self.deviation = deviation
    self.scale = factors
  }

  /// Makes the affine function of a recorded normalisation; `nil` where its moments are no tensors
  /// of the model.
  package init?(_ normalization: ValueID, in recording: Recording) {
    guard let primitive = recording.primitive(of: normalization) as? BatchNormalization else {
      return nil
    }
    let moments = recording.operands(of: normalization).dropFirst().compactMap {
      recording.parameter($0)
    }
    guard moments.count == 4 else { return nil }
    self.init(
      scale: moments[0], offset: moments[1], mean: moments[2], variance: moments[3],
      epsilon: primitive.epsilon)
  }
}
