public import Prism

extension ExplanationMethod {
  /// Whether the method needs only a few evaluations of a model, so that a thousand pictures take
  /// minutes.
  public var isFast: Bool {
    switch self {
    // One evaluation for every channel of the layer.
    case .scorecam, .ablationcam: false
    default: choices.isDisjoint(with: [.samples, .output, .stopping])
    }
  }
}
