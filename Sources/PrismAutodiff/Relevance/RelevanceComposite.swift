/// Which rule of layer-wise relevance propagation is used at which layer.
///
/// Definitions: Bach et al., "On Pixel-Wise Explanations for Non-Linear Classifier Decisions by
/// Layer-Wise Relevance Propagation", PLoS ONE 2015; Montavon et al., "Layer-Wise Relevance
/// Propagation: An Overview", 2019; the composites: Kohlbrenner et al., "Towards Best Practice in
/// Explaining Neural Network Decisions with LRP", IJCNN 2020. Constants are those of the package
/// zennit.
public struct RelevanceComposite: Sendable, Hashable {
  /// What the layers have in common that share a rule.
  public enum Kind: Sendable, Hashable {
    /// Flat at the layers that read the input, z⁺ at convolutions, ε at fully connected layers.
    case epsilonPlusFlat
    /// zᴮ at the convolutions that read the input, γ at other convolutions, ε at fully connected
    /// layers; the box has one number a channel of the input at each end.
    case epsilonGammaBox(low: [Float], high: [Float])
    /// ε at all layers.
    case epsilon
    /// γ at all layers.
    case gamma
  }

  /// Which rule is used where.
  public let kind: Kind
  /// What is added to the magnitude of what relevance is divided by, by the ε rule.
  public let epsilon: Float
  /// How much more positive contributions count, by the γ rule.
  public let gamma: Float

  /// Makes a composite.
  ///
  /// - Parameters:
  ///   - kind: Which rule is used where.
  ///   - epsilon: What is added to the magnitude of what relevance is divided by, by the ε rule.
  ///   - gamma: How much more positive contributions count, by the γ rule.
  public init(_ kind: Kind, epsilon: Float = 1e-6, gamma: Float = 0.25) {
    self.kind = kind
    self.epsilon = epsilon
    self.gamma = gamma
  }

  /// The rule of a layer with weights.
  func rule(isConvolution: Bool, isFirst: Bool) -> LayerRule {
    switch kind {
    case .epsilonPlusFlat:
      isFirst ? .flat : isConvolution ? .positive : .epsilon(epsilon)
    case .epsilonGammaBox(let low, let high):
      isConvolution
        ? (isFirst ? .box(low: low, high: high) : .gamma(gamma)) : .epsilon(epsilon)
    case .epsilon: .epsilon(epsilon)
    case .gamma: .gamma(gamma)
    }
  }
}
