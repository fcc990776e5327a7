public import PrismAutodiff
public import PrismTensor
public import PrismWeights

/// The first tensors of layers, before anything is learnt.
public enum Initialization {
  /// The first tensor of a layer, drawn from its name and a seed.
  ///
  /// Weights are even between ±√(6 / (inputs + outputs)) (Glorot and Bengio, AISTATS 2010), scales and variances are
  /// one, the rest is zero.
  ///
  /// - Parameters:
  ///   - name: The tensor's name; its end tells scales and variances from offsets and means.
  ///   - shape: The tensor's shape; weights begin with outputs and inputs.
  ///   - seed: Selects the numbers.
  /// - Returns: The same tensor for the same name, shape and seed.
  public static func tensor(_ name: String, _ shape: Shape, seed: UInt64) -> Tensor {
    guard shape.rank > 1 else {
      let isOne = name.hasSuffix(".weight") || name.hasSuffix(".running_var")
      return Tensor(shape, repeating: isOne ? 1 : 0)
    }
    let random = CounterRandom(name: "\(seed)/\(name)")
    let bound = (6 / Double(shape[0] + shape[1])).squareRoot()
    return Tensor(
      shape, (0..<shape.count).map { Float((2 * random.uniform($0) - 1) * bound) })
  }

  /// A layer that takes its tensors from a reader, with drawn tensors in place of a file's.
  fileprivate static func layer<Layer>(
    _ name: String, seed: UInt64, _ make: (WeightReader) throws -> Layer
  ) throws -> Layer {
    try WeightReader.bind(making: { tensor($0, $1, seed: seed) }) { try make($0.scope(name)) }
  }
}

extension Conv2D {
  /// Makes a convolution with drawn weights and, if it has one, a bias of zero.
  ///
  /// - Parameters:
  ///   - name: The name under which the output is recorded.
  ///   - inputs: The channels of the input.
  ///   - outputs: The channels of the output.
  ///   - kernel: The rows and columns of a window.
  ///   - stride: The distance between windows, along both axes.
  ///   - padding: How the input is padded.
  ///   - groups: The number of groups of channels.
  ///   - hasBias: Whether a number is added to every channel.
  ///   - seed: Selects the weights, with the name.
  /// - Throws: `WeightError` where a size is not positive.
  public init(
    _ name: String, inputs: Int, outputs: Int, kernel: Int = 1, stride: Int = 1,
    padding: Padding = .none, groups: Int = 1, hasBias: Bool = true, seed: UInt64 = 0
  ) throws {
    self = try Initialization.layer(name, seed: seed) { reader in
      try Conv2D(
        reader, inputs: inputs, outputs: outputs, kernel: kernel, stride: stride,
        padding: padding, groups: groups, hasBias: hasBias)
    }
  }
}

extension Dense {
  /// Makes a fully connected layer with drawn weights and a bias of zero.
  ///
  /// - Parameters:
  ///   - name: The name under which the output is recorded.
  ///   - inputs: The numbers of a row of the input.
  ///   - outputs: The numbers of a row of the output.
  ///   - seed: Selects the weights, with the name.
  /// - Throws: `WeightError` where a size is not positive.
  public init(_ name: String, inputs: Int, outputs: Int, seed: UInt64 = 0) throws {
    self = try Initialization.layer(name, seed: seed) { reader in
      try Dense(reader, inputs: inputs, outputs: outputs)
    }
  }
}

extension BatchNorm {
  /// Makes a normalisation that scales by one and moves by zero, with the statistics of the standard distribution.
  ///
  /// - Parameters:
  ///   - name: The name under which the output is recorded.
  ///   - channels: The channels of the input.
  ///   - epsilon: Added to the variance before the root.
  /// - Throws: `WeightError` where there are no channels.
  public init(_ name: String, channels: Int, epsilon: Float = 1e-3) throws {
    self = try Initialization.layer(name, seed: 0) { reader in
      try BatchNorm(reader, channels: channels, epsilon: epsilon)
    }
  }
}

extension SqueezeExcitation {
  /// Makes a gate with drawn weights.
  ///
  /// - Parameters:
  ///   - name: The name under which the output is recorded.
  ///   - channels: The channels of the input.
  ///   - squeezed: The channels between the two convolutions.
  ///   - seed: Selects the weights, with the name.
  /// - Throws: `WeightError` where a size is not positive.
  public init(_ name: String, channels: Int, squeezed: Int, seed: UInt64 = 0) throws {
    self = try Initialization.layer(name, seed: seed) { reader in
      try SqueezeExcitation(reader, channels: channels, squeezed: squeezed)
    }
  }
}
