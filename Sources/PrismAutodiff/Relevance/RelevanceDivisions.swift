internal import PrismTensor

/// How every operation of a recording divides relevance, and what is known of its values.
struct RelevanceDivisions {
  /// By the values that are computed.
  private let divisions: [ValueID: RelevanceStep.Division]
  /// For every value whether none of its numbers can be negative.
  private let isNonnegative: [Bool]
  /// The numbers of the weights that rules make of those of layers.
  let madeWeights: Int

  /// Takes the divisions from a recording.
  ///
  /// - Parameter divided: What ``Recording/dividingRelevance(_:)`` makes.
  init(_ divided: Recording) {
    var divisions: [ValueID: RelevanceStep.Division] = [:]
    var isNonnegative = [Bool](repeating: false, count: divided.values.count)
    var madeWeights = 0
    for id in divided.ids {
      let operands = divided.operands(of: id)
      guard let step = divided.primitive(of: id) as? RelevanceStep else { continue }
      divisions[id] = step.division
      isNonnegative[id.index] = Self.isNonnegative(
        step.base, operands.map { isNonnegative[$0.index] })
      guard case .layer(let rule) = step.division else { continue }
      madeWeights +=
        rule.weightCount(isNonnegative: isNonnegative[operands[0].index])
        * divided[operands[1]].shape.count
    }
    self.divisions = divisions
    self.isNonnegative = isNonnegative
    self.madeWeights = madeWeights
  }

  /// How an operation divides the relevance of what it computes.
  subscript(id: ValueID) -> RelevanceStep.Division { divisions[id] ?? .derivative }

  /// Whether none of the numbers of a value can be negative.
  func isNonnegative(_ id: ValueID) -> Bool { isNonnegative[id.index] }

  /// Whether an operation makes no negative number of such operands.
  private static func isNonnegative(_ primitive: any Primitive, _ operands: [Bool]) -> Bool {
    switch primitive {
    case is ReLU, is ReLU6, is Sigmoid, is HardSigmoid, is Softmax, is Exponential, is Absolute:
      true
    case let clip as Clip: clip.low >= 0
    case is Add, is Multiply, is MaxPool, is AveragePool, is GlobalAveragePool,
      is AdaptiveAveragePool, is GlobalMaxPool, is Concatenate, is Reshape, is Slice,
      is ShuffleChannels, is FlattenChannelsFirst, is Transpose, is Mean, is Sum:
      operands.allSatisfy { $0 }
    default: false
    }
  }
}

extension LayerRule {
  /// How many weights the rule makes of one.
  fileprivate func weightCount(isNonnegative: Bool) -> Int {
    switch self {
    case .epsilon: 0
    case .positive: isNonnegative ? 1 : 2
    case .flat: 1
    case .gamma, .box: 2
    }
  }
}
