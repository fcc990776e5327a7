public import PrismAutodiff
public import PrismTensor
public import PrismWeights

/// Layer normalisation over the channels of every position, with its scale and offset.
public struct LayerNorm: Sendable {
  /// The name under which the output is recorded.
  public let name: String
  /// γ and β, `[C]`.
  public let scale, offset: Tensor
  /// Added to the variance before the root.
  public let epsilon: Float

  /// Reads `weight` and `bias`.
  public init(_ reader: WeightReader, channels: Int, epsilon: Float) throws(WeightError) {
    name = reader.path
    scale = try reader.take("weight", [channels])
    offset = try reader.take("bias", [channels])
    self.epsilon = epsilon
  }

  /// Records the normalisation.
  ///
  /// - Parameter x: `[…, C]`.
  /// - Returns: The shape of `x`.
  public func callAsFunction(_ x: Value) -> Value {
    x.layerNormalized(
      scale: x.parameter(scale, named: "\(name).weight"),
      offset: x.parameter(offset, named: "\(name).bias"), epsilon: epsilon
    ).named(name)
  }
}
