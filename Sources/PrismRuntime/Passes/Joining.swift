internal import PrismAutodiff
internal import PrismKernels

/// Puts convolutions around a depthwise one or around the walk back through one together,
/// convolutions with the pooling after them, gradients by weights with those by offsets, and walks
/// back through a normalisation with that through the convolution after it.
struct Joining {
  private let uses: [ValueID: Int]
  private let panelWidth: Int
  private let drafts: [Draft]
  /// The steps in their order, joined ones as one.
  private(set) var joined: [Draft] = []

  init(
    _ drafts: [Draft], operations: [FusedOperation], wanted: [ValueID], kernels: Kernels
  ) {
    self.drafts = drafts
    uses = (operations.flatMap(\.operands) + wanted).reduce(into: [:]) { $0[$1, default: 0] += 1 }
    panelWidth = kernels.pointwisePanelWidth()
    var position = 0
    while position < drafts.count {
      let draft =
        chain(from: position) ?? pooled(from: position) ?? normalized(from: position)
        ?? gradients(from: position) ?? drafts[position]
      joined.append(draft)
      position += max(1, draft.links.count)
    }
  }

  /// The step after another, where the value between them goes nowhere else.
  private func link(after position: Int) -> Draft? {
    guard position + 1 < drafts.count else { return nil }
    let (first, second) = (drafts[position], drafts[position + 1])
    return second.input == first.output && uses[first.output] == 1 ? second : nil
  }

  /// A depthwise convolution, or the walk back through one, with the convolutions before and after
  /// it.
  private func chain(from position: Int) -> Draft? {
    var links = [drafts[position]]
    let before = links[0].kind as? any RowStepKind
    if before != nil {
      guard let next = link(after: position) else { return nil }
      links.append(next)
    }
    guard let depthwise = links[links.count - 1].kind as? any DepthwiseStepKind else { return nil }
    var after: PointwiseStep?
    if let next = link(after: position + links.count - 1), next.head.isNone,
      let pointwise = next.kind as? PointwiseStep
    {
      after = pointwise
      links.append(next)
    }
    guard links.count > 1 else { return nil }
    let chain = ConvolutionChain(
      before: before, depthwise: depthwise, after: after, panelWidth: panelWidth)
    var draft = join(links, chain)
    // Threads that divide the chain of a single image meet between its halves, or after every step.
    if links.contains(where: { $0.tail.activity != nil }) {
      draft.between = links.dropLast().map(\.output)
    } else if chain.hasHalves {
      draft.between = [links[1].output]
    }
    return draft
  }

  /// A convolution with the pooling after it.
  private func pooled(from position: Int) -> Draft? {
    let first = drafts[position]
    guard !first.isBatched, let convolution = first.kind as? WinogradStep,
      let second = link(after: position), let pooling = second.kind as? MaximumPoolStep,
      let pooled = PooledConvolution(convolution, pooling)
    else { return nil }
    return join([first, second], pooled)
  }

  /// A gradient by weights or a scale with that by the offset beside them.
  private func gradients(from position: Int) -> Draft? {
    guard position + 1 < drafts.count else { return nil }
    let (first, second) = (drafts[position], drafts[position + 1])
    guard let kind = first.kind as? any OffsetStepKind, second.kind is ChannelSumStep,
      first.input == second.input
    else { return nil }
    return Draft(
      kind: JointGradientStep(first: kind), input: first.input, output: first.output,
      links: [first, second])
  }

  /// The walk back through a pointwise convolution to what was normalised before it.
  private func normalized(from position: Int) -> Draft? {
    guard position + 3 < drafts.count else { return nil }
    let (first, others) = (drafts[position], drafts[position + 1...position + 3])
    guard let product = first.kind as? PointwiseStep, first.tail.activity == nil,
      uses[first.output] == 3, others.allSatisfy({ $0.input == first.output }),
      let scales = others.first(where: { $0.kind is NormalizationGradientStep }),
      let gradient = scales.kind as? NormalizationGradientStep,
      let offsets = others.first(where: { $0.kind is ChannelSumStep }),
      let last = others.first(where: { $0.kind is AddScaledStep || $0.kind is ScaleShiftStep })
    else { return nil }
    let links = [first, scales, offsets, last]
    return join(links, NormalizationPullbackChain(product: product, gradient: gradient))
  }

  private func join(_ links: [Draft], _ kind: any StepKind) -> Draft {
    Draft(
      kind: kind, input: links[0].input, output: links[links.count - 1].output, links: links)
  }
}
