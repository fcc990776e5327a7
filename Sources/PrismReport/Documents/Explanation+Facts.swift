public import Prism

extension Explanation {
  /// What a reader of the map should know, a line each: how the sum closes, how good the fit is, and notes.
  public var facts: [String] {
    var facts: [String] = []
    if let base = attribution.baseValue, let gap = attribution.completenessGap {
      let sum = target.logit - base - gap
      facts.append(
        "base value \(NumberText.significant(base, digits: 4)) + sum \(NumberText.significant(sum, digits: 4)) = "
          + "\(NumberText.significant((base + sum), digits: 4)), gap \(NumberText.significant(gap, digits: 2))"
      )
    }
    if let score = attribution.score {
      facts.append("R² of the fit \(NumberText.significant(score, digits: 4))")
    }
    return facts + attribution.diagnostics
  }
}
