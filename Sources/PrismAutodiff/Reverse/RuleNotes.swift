/// What a writer has written for rules of the walk back, to be used again by further walks.
struct RuleNotes {
  /// Parts of a layer that make up what relevance is divided by.
  struct Division {
    /// The parts.
    let parts: [LayerPart]
    /// What is divided by.
    let divisor: ValueID
  }

  /// A layer with other weights, and another input.
  struct LayerPart {
    /// What it computes.
    let value: ValueID
    /// Its weights.
    let weights: [ValueID]
    /// What shares are multiplied by: its input; `nil` where that is one everywhere.
    let input: ValueID?
  }

  /// By the values that layers compute.
  var divisions: [ValueID: [Division]] = [:]
  /// The positive parts of values.
  var positives: [ValueID: ValueID] = [:]
  /// The negative parts of values.
  var negatives: [ValueID: ValueID] = [:]
  /// The means of values of two evaluations.
  var middles: [ValueID: ValueID] = [:]
}
