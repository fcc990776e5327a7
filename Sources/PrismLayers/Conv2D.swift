public import PrismAutodiff
public import PrismTensor
public import PrismWeights

/// A two-dimensional convolution with its weights.
public struct Conv2D: Sendable {
  /// The name under which the output is recorded, such as `features.0.0`.
  public let name: String
  /// `[outputs, inputs / groups, kernel, kernel]`.
  public let weight: Tensor
  /// `[outputs]`, or `nil` for none.
  public let bias: Tensor?
  /// The distance between windows, along both axes.
  public let stride: Int
  /// How the input is padded.
  public let padding: Padding
  /// The number of groups of channels.
  public let groups: Int

  /// Reads a convolution's weights: `weight` and, if it has one, `bias`.
  public init(
    _ reader: WeightReader, inputs: Int, outputs: Int, kernel: Int = 1, stride: Int = 1,
    padding: Padding = .none, groups: Int = 1, hasBias: Bool = false
  ) throws(WeightError) {
    name = reader.path
    weight = try reader.take("weight", [outputs, inputs / groups, kernel, kernel])
    bias = hasBias ? try reader.take("bias", [outputs]) : nil
    self.stride = stride
    self.padding = padding
    self.groups = groups
  }

  /// Records the convolution.
  ///
  /// - Parameter x: `[N, H, W, inputs]`.
  /// - Returns: `[N, H′, W′, outputs]`.
  public func callAsFunction(_ x: Value) -> Value {
    let weight = x.parameter(self.weight, named: "\(name).weight")
    let bias = self.bias.map { x.parameter($0, named: "\(name).bias") }
    let isDepthwise = groups > 1 && groups == weight.shape[0] && weight.shape[1] == 1
    let y =
      isDepthwise
      ? x.depthwiseConvolution(weight, bias: bias, stride: stride, padding: padding)
      : x.convolution(weight, bias: bias, stride: stride, padding: padding, groups: groups)
    return y.named(name)
  }
}
