public import PrismAutodiff
public import PrismTensor
public import PrismWeights

/// A fully connected layer with its weights.
public struct Dense: Sendable {
  /// The name under which the output is recorded.
  public let name: String
  /// `[outputs, inputs]`.
  public let weight: Tensor
  /// `[outputs]`.
  public let bias: Tensor

  /// Reads `weight` and `bias`.
  public init(_ reader: WeightReader, inputs: Int, outputs: Int) throws(WeightError) {
    name = reader.path
    weight = try reader.take("weight", [outputs, inputs])
    bias = try reader.take("bias", [outputs])
  }

  /// Records the layer.
  ///
  /// - Parameter x: `[N, inputs]`.
  /// - Returns: `[N, outputs]`.
  public func callAsFunction(_ x: Value) -> Value {
    x.dense(
      x.parameter(weight, named: "\(name).weight"), bias: x.parameter(bias, named: "\(name).bias")
    ).named(name)
  }
}
