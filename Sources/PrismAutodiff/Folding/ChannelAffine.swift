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

  /// Whether a value is made of another by adding, subtracting, multiplying with or dividing by a
  /// tensor of the model that has one number, or one for every channel.
  package static func isOne(_ id: ValueID, in recording: Recording) -> Bool {
    switch recording.primitive(of: id) {
    case is Add, is Subtract, is Multiply, is Divide: break
    default: return false
    }
    let operands = recording.operands(of: id)
    let shape = recording[id].shape
    guard let constant = recording.parameter(operands[1])?.shape, shape.rank > 1,
      recording[operands[0]].shape == shape
    else { return false }
    return constant.count == 1 || constant.count == shape[-1] && constant[-1] == shape[-1]
  }

  /// Makes the affine function of one constant for every channel.
  private init?(constant id: ValueID, in recording: Recording) {
    guard Self.isOne(id, in: recording),
      let constant = recording.parameter(recording.operands(of: id)[1])
    else { return nil }
    let channels = recording[id].shape[-1]
    let given = constant.scalars.map(Double.init)
    let values = given.count == 1 ? [Double](repeating: given[0], count: channels) : given
    let (ones, zeros) = (values.map { _ in 1.0 }, values.map { _ in 0.0 })
    deviation = ones
    switch recording.primitive(of: id) {
    case is Add: (scale, shift) = (ones, values)
    case is Subtract: (scale, shift) = (ones, values.map { -$0 })
    case is Multiply: (scale, shift) = (values, zeros)
    default: (scale, shift) = (values.map { 1 / $0 }, zeros)
    }
  }

  /// Makes the affine function of a recorded normalisation, or of a constant for every channel;
  /// `nil` where its moments are no tensors of the model.
  package init?(_ normalization: ValueID, in recording: Recording) {
    if Self.isOne(normalization, in: recording) {
      self.init(constant: normalization, in: recording)
      return
    }
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
