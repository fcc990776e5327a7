internal import PrismTensor

/// When a method that draws samples may stop: as soon as the ranking of its top parts is sure.
///
/// Parts are segments, or the cells of an 8×8 grid for methods that draw maps. They are ranked by
/// magnitude. The ranking of the first `top` is sure when every one of them leads the next by more
/// than z standard errors of the difference; z is such that all these statements together, at all
/// looks, are true with the stated confidence (normal quantiles, Bonferroni's correction, parts
/// treated as independent). The number of samples doubles from look to look, so that when a method
/// stops depends on the seed alone. The idea of drawing until rankings are significant: Zhou,
/// Hooker and Wang, "S-LIME: Stabilized-LIME for Model Explanation", KDD 2021.
public struct StoppingRule: Sendable, Equatable, Codable {
  /// The samples at the first look.
  static let firstLook = 128

  /// The probability with which the ranking is to be right.
  public let confidence: Double
  /// How many parts are ranked.
  public let top: Int

  /// Makes a rule.
  public init(confidence: Double = 0.95, top: Int = 3) {
    self.confidence = confidence
    self.top = top
  }

  /// Throws unless the rule makes sense.
  func check() throws(ExplanationError) {
    guard confidence > 0, confidence < 1 else {
      throw .parameter("the confidence", "must lie between 0 and 1")
    }
    guard top >= 1 else { throw .parameter("the number of ranked parts", "must be at least 1") }
  }

  /// Whether the ranking of the top parts is sure.
  ///
  /// - Parameters:
  ///   - values: One number a part.
  ///   - errors: Their standard errors.
  ///   - looks: How often the question is asked at most.
  /// - Returns: Whether every lead is wide enough.
  func isSure(_ values: [Double], errors: [Double], looks: Int) -> Bool {
    let order = values.indices.sorted { (abs(values[$1]), $0) < (abs(values[$0]), $1) }
    let pairs = min(top, values.count - 1)
    guard pairs > 0 else { return true }
    let z = normalQuantile(1 - (1 - confidence) / Double(pairs * looks))
    return (0..<pairs).allSatisfy { k in
      let (a, b) = (order[k], order[k + 1])
      let error = (errors[a] * errors[a] + errors[b] * errors[b]).squareRoot()
      return abs(values[a]) - abs(values[b]) > z * error
    }
  }

  /// What to tell about the ranking.
  func note(isSure: Bool, parts: String, taken: Int, of units: String = "samples") -> String {
    let hundredths = (confidence * 10_000).rounded() / 100
    let percent = hundredths == hundredths.rounded() ? "\(Int(hundredths))" : "\(hundredths)"
    return "the ranking of the top \(top) \(parts) is \(isSure ? "" : "not ")sure (\(percent) %) "
      + "after \(isSure ? "" : "the limit of ")\(taken) \(units)"
  }
}

extension StoppingRule? {
  /// The numbers of samples at which a method looks whether it may stop; the last is the limit.
  func looks(limit: Int, first: Int = StoppingRule.firstLook) -> [Int] {
    guard self != nil else { return [limit] }
    var looks: [Int] = []
    var next = first
    while next < limit {
      looks.append(next)
      next = next > limit / 2 ? limit : next * 2
    }
    return looks + [limit]
  }

  /// The values for the record.
  var parameters: [MethodParameter] {
    map { [.number("confidence", $0.confidence), .integer("rankedParts", $0.top)] } ?? []
  }
}
