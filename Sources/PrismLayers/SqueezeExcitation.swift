public import PrismAutodiff
internal import PrismTensor
public import PrismWeights

/// The gate that scales every channel by what the whole image says.
///
/// Mean over rows and columns, a 1×1 convolution, SiLU, a second 1×1 convolution, sigmoid; the
/// result multiplies the input. Definition: Hu et al., "Squeeze-and-Excitation Networks", CVPR
/// 2018, with the activation of EfficientNet.
public struct SqueezeExcitation: Sendable {
  /// The name under which the output is recorded.
  public let name: String
  private let squeeze, excite: Conv2D

  /// Reads the weights of both convolutions, `fc1` and `fc2`.
  public init(_ reader: WeightReader, channels: Int, squeezed: Int) throws(WeightError) {
    name = reader.path
    squeeze = try Conv2D(
      reader.scope("fc1"), inputs: channels, outputs: squeezed, hasBias: true)
    excite = try Conv2D(
      reader.scope("fc2"), inputs: squeezed, outputs: channels, hasBias: true)
  }

  /// Records the gate.
  ///
  /// - Parameter x: `[N, H, W, C]`.
  /// - Returns: `[N, H, W, C]`.
  public func callAsFunction(_ x: Value) -> Value {
    let mean = x.globalAveragePool()
    let pooled = mean.reshaped(to: [mean.shape[0], 1, 1, mean.shape[1]]).named("\(name).avgpool")
    let gate = excite(squeeze(pooled).silu().named("\(name).activation")).sigmoid()
      .named("\(name).scale_activation")
    return (x * gate).named(name)
  }
}
