/// What a walk back begins with: a logit, or a sum of logits with weights.
public struct LogitTarget: Sendable, Hashable {
  /// A logit with its weight.
  public struct Term: Sendable, Hashable {
    /// The index of the logit.
    public let index: Int
    /// What it is multiplied by.
    public let weight: Float

    /// Makes a term.
    public init(_ index: Int, weight: Float) {
      self.index = index
      self.weight = weight
    }
  }

  /// What is summed.
  public let terms: [Term]

  /// Makes a sum of logits.
  ///
  /// - Parameter terms: The logits with their weights.
  public init(_ terms: [Term]) {
    self.terms = terms
  }

  /// Makes a single logit.
  ///
  /// - Parameter index: The index of the logit.
  public init(_ index: Int) {
    self.init([Term(index, weight: 1)])
  }
}
