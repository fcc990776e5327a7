internal import PrismAutodiff
internal import PrismKernels

/// What a plan computes in one go: one primitive, or several that are fused around a convolution.
struct FusedOperation {
  /// The work.
  enum Work {
    /// That of a step of this kind.
    case step(any StepKind)
    /// A convolution whose algorithm is yet to be chosen.
    case convolution(ConvolutionShape, isPointwise: Bool)
    /// A convolution in groups of channels whose algorithm is yet to be chosen.
    case grouped(ConvolutionShape, groups: Int)
    /// The channels of all other values, one after the other.
    case concatenation
    /// The same numbers under another shape.
    case view
    /// Some of the input's channels, from this one on, which stay where they are.
    case channels(from: Int)
  }

  var work: Work
  /// The main input.
  var input: ValueID
  /// The value that is computed; what lies between is never stored.
  var output: ValueID
  /// What is read besides the input.
  var others: [ValueID] = []
  /// Where the packed weights come from.
  var source: WeightSource?
  var head = Head<ValueID>.none
  var tail = Tail<ValueID>()

  /// When the operation is computed: in the order of its output, but bits are made of a value as soon
  /// as it is there.
  var order: (ValueID, Int) {
    if case .step(is ActivityStep) = work { (input, 1) } else { (output, 0) }
  }

  /// Every value that is read.
  var operands: Set<ValueID> {
    Set([input] + others + [head.gate].compactMap { $0 } + tail.operands)
  }
}

/// A convolution whose weights are packed.
struct WeightSource: Hashable {
  /// The value that the convolution computes.
  let convolution: ValueID
  /// The batch normalisation that is folded into the weights.
  let folding: ValueID?
  /// Whether the weights are those by which cotangents go back through the convolution.
  var isReversed = false
  /// The batch normalisation before the convolution whose factors are folded into reversed weights.
  var before: ValueID?
}
