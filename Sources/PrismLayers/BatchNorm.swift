public import PrismAutodiff
public import PrismTensor
public import PrismWeights

/// Batch normalisation over the channels of an image or the columns of a matrix, with its
/// statistics.
public struct BatchNorm: Sendable {
  /// The name under which the output is recorded.
  public let name: String
  /// γ and β, `[C]`.
  public let scale, offset: Tensor
  /// The running statistics, `[C]`.
  public let mean, variance: Tensor
  /// Added to the variance before the root.
  public let epsilon: Float

  /// Reads `weight`, `bias`, `running_mean` and `running_var`.
  public init(_ reader: WeightReader, channels: Int, epsilon: Float) throws(WeightError) {
    name = reader.path
    scale = try reader.take("weight", [channels])
    offset = try reader.take("bias", [channels])
    mean = try reader.take("running_mean", [channels])
    variance = try reader.take("running_var", [channels])
    self.epsilon = epsilon
  }

  /// Records the normalisation with the running statistics.
  ///
  /// - Parameter x: `[…, C]`.
  /// - Returns: The shape of `x`.
  public func callAsFunction(_ x: Value) -> Value {
    x.batchNormalized(
      scale: x.parameter(scale, named: "\(name).weight"),
      offset: x.parameter(offset, named: "\(name).bias"),
      mean: x.parameter(mean, named: "\(name).running_mean"),
      variance: x.parameter(variance, named: "\(name).running_var"),
      epsilon: epsilon
    ).named(name)
  }

  /// Records the normalisation with the moments of the batch, as in training.
  ///
  /// The moments are named ``batchMean`` and ``batchVariance``, so that a trainer can move the
  /// running statistics towards them.
  ///
  /// - Parameter x: `[…, C]`.
  /// - Returns: The shape of `x`.
  public func training(_ x: Value) -> Value {
    x.batchNormalized(
      scale: x.parameter(scale, named: "\(name).weight"),
      offset: x.parameter(offset, named: "\(name).bias"),
      mean: x.channelMean().named(batchMean),
      variance: x.channelVariance().named(batchVariance),
      epsilon: epsilon
    ).named(name)
  }

  /// The name of the batch's mean in a recording of ``training(_:)``.
  public var batchMean: String { "\(name).batch_mean" }
  /// The name of the batch's biased variance in a recording of ``training(_:)``.
  public var batchVariance: String { "\(name).batch_var" }
}
