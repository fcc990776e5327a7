internal import PrismAutodiff
internal import PrismKernels

/// A step whose places are still values.
struct Draft {
  var kind: any StepKind
  var input: ValueID
  var output: ValueID
  /// What is read besides the input, in the order that the kind wants.
  var others: [ValueID] = []
  /// What a joined step consists of.
  var links: [Draft] = []
  /// Values between links that need room of their own.
  var between: [ValueID] = []
  /// The packed weights.
  var weights: PackedWeights.Key?
  var head = Head<ValueID>.none
  var tail = Tail<ValueID>()

  /// Every value besides input and output that must have room while the step is computed.
  var alsoTouched: [ValueID] {
    others + [head.gate, tail.activity].compactMap { $0 } + tail.operands + between
      + links.flatMap(\.alsoTouched)
  }

  /// Whether all images of a batch are computed at once.
  var isBatched: Bool { kind.batched != nil }

  /// Whether the step's maps are so small that it rather reads weights than numbers.
  func isSmall(_ locations: Locations) -> Bool {
    let (fewer, more) = (
      kind is any SummingStepKind ? 0 : locations.rows(output), locations.rows(input)
    )
    return min(fewer, more) <= 64 && max(fewer, more) <= 256
  }

  /// Whether all of an image's input has been read before any of its output is written.
  var readsBeforeWriting: Bool {
    !tail.operands.contains(input) && kind.batched?.readsBeforeWriting ?? false
  }

  /// The step where it is computed over parts of several images: large weights are read once for all
  /// of them, since each has only a few tiles.
  func batchedForParts(_ kernels: Kernels) -> Draft {
    var draft = self
    if let kind = kind as? WinogradStep { draft.kind = kind.batchedForParts(kernels) }
    return draft
  }
}
