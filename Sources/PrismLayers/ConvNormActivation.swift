public import PrismCard
public import PrismAutodiff
public import PrismWeights

/// Convolution, batch normalisation and activation: the brick of which mobile networks are built.
///
/// Its parts are named as torchvision's `Conv2dNormActivation` names them: `0`, `1`, `2`.
public struct ConvNormActivation: Sendable {
  /// The name under which the output is recorded.
  public let name: String
  /// The convolution, without bias.
  public let convolution: Conv2D
  /// The normalisation of the convolution's output.
  public let normalization: BatchNorm
  /// The activation, `linear` for none.
  public let activation: Activation

  /// Reads the weights of the convolution and the normalisation.
  public init(
    _ reader: WeightReader, inputs: Int, outputs: Int, kernel: Int = 1, stride: Int = 1,
    groups: Int = 1, activation: Activation, convention: Convention
  ) throws(WeightError) {
    name = reader.path
    convolution = try Conv2D(
      reader.scope("0"), inputs: inputs, outputs: outputs, kernel: kernel, stride: stride,
      padding: convention.padding(kernel: kernel), groups: groups)
    normalization = try BatchNorm(reader.scope("1"), channels: outputs, epsilon: convention.epsilon)
    self.activation = activation
  }

  /// Records the three steps.
  ///
  /// - Parameter x: `[N, H, W, inputs]`.
  /// - Returns: `[N, H′, W′, outputs]`.
  public func callAsFunction(_ x: Value) -> Value {
    let y = normalization(convolution(x))
    guard activation != .linear else { return y.named(name) }
    return activation(y).named("\(name).2").named(name)
  }
}
