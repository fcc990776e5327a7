public import Prism

extension ExplanationMethod {
  /// The method that a name means: its own name or its title, in any case, with or without hyphens
  /// and spaces.
  ///
  /// - Parameter name: Such as `gradcam`, `Grad-CAM` or `Integrated Gradients`.
  public init?(named name: String) {
    let wanted = Self.plain(name)
    guard
      let method = Self.allCases.first(where: {
        Self.plain($0.rawValue) == wanted || Self.plain($0.explainer().title) == wanted
      })
    else { return nil }
    self = method
  }

  /// The letters, digits and plus signs of a name in lower case.
  private static func plain(_ name: String) -> String {
    name.lowercased().replacing("×", with: "x")
      .filter { $0.isLetter || $0.isNumber || $0 == "+" }
  }
}
