/// A method that is judged, or a baseline beside it.
public struct JudgedMethod: Sendable {
  /// The method with its settings.
  public let explainer: any Explainer
  /// The same with another seed; `nil` where it draws nothing.
  public let seeded: (@Sendable (_ seed: UInt64) -> any Explainer)?
  /// Whether it is a map that knows nothing of the model, to compare with.
  public let isBaseline: Bool

  /// What every method has to be better than: the centre of the picture, and its edges.
  public static let baselines = [
    JudgedMethod(CentreMap(), isBaseline: true), JudgedMethod(EdgeMap(), isBaseline: true),
  ]

  /// Makes an entry.
  ///
  /// - Parameters:
  ///   - explainer: The method with its settings.
  ///   - isBaseline: Whether it knows nothing of the model.
  ///   - seeded: The same with another seed; `nil` where it draws nothing.
  public init(
    _ explainer: any Explainer, isBaseline: Bool = false,
    seeded: (@Sendable (_ seed: UInt64) -> any Explainer)? = nil
  ) {
    self.explainer = explainer
    self.isBaseline = isBaseline
    self.seeded = seeded
  }

  /// Makes an entry of a method's name and settings.
  public init(_ method: ExplanationMethod, settings: ExplanationMethod.Settings) {
    guard method.choices.contains(.seed) else {
      self.init(method.explainer(settings))
      return
    }
    self.init(method.explainer(settings)) { seed in
      var settings = settings
      settings.seed = seed
      return method.explainer(settings)
    }
  }
}
