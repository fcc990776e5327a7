internal import PrismAutodiff
internal import PrismKernels

/// Turns operations into steps: chooses algorithms, and leaves out what is in its place already.
struct Lowering {
  private let locations: Locations
  private let kernels: Kernels
  private let precision: Plan.Precision
  /// The steps in their order.
  private(set) var drafts: [Draft] = []
  /// The weights that they read.
  private(set) var packing: [PackJob] = []

  init(
    _ operations: [FusedOperation], locations: Locations, precision: Plan.Precision,
    kernels: Kernels
  ) {
    self.locations = locations
    self.kernels = kernels
    self.precision = precision
    for operation in operations { lower(operation) }
  }

  private mutating func lower(_ operation: FusedOperation) {
    switch operation.work {
    case .step(let kind): add(kind, operation)
    case .convolution(let shape, let isPointwise):
      add(algorithm(shape, isPointwise: isPointwise, hasHead: !operation.head.isNone), operation)
    case .grouped(let shape, let groups): add(algorithm(shape, groups: groups), operation)
    case .concatenation: gather(operation)
    case .channels: break
    case .view:
      if locations[operation.input].buffer != locations[operation.output].buffer {
        add(ViewStep(), operation)
      }
    }
  }

  private mutating func add(_ kind: any StepKind, _ operation: FusedOperation) {
    var draft = Draft(
      kind: kind, input: operation.input, output: operation.output, others: operation.others,
      head: operation.head, tail: operation.tail)
    if let source = operation.source, let packed = kind as? any PackedStepKind {
      let job = PackJob(source: source, kind: packed)
      draft.weights = job.key
      packing.append(job)
    }
    drafts.append(draft)
  }

  private func algorithm(
    _ shape: ConvolutionShape, isPointwise: Bool, hasHead: Bool
  ) -> any StepKind {
    if isPointwise { return PointwiseStep(shape: shape) }
    if !hasHead, let step = WinogradStep(shape, precision: precision, kernels: kernels) {
      return step
    }
    return DirectStep(shape: shape)
  }

  private func algorithm(_ shape: ConvolutionShape, groups: Int) -> any StepKind {
    let groups = ChannelGroups(shape, groups: groups, vectorWidth: kernels.vectorWidth)
    return GroupedWinogradStep(shape, groups: groups, precision: precision, kernels: kernels)
      ?? GroupedStep(shape: shape, groups: groups)
  }

  /// Copies what could not be written straight into a concatenation.
  private mutating func gather(_ operation: FusedOperation) {
    let whole = locations[operation.output]
    var missing: [(id: ValueID, channel: Int)] = []
    var channel = 0
    for operand in operation.others {
      let location = locations[operand]
      if location.buffer != whole.buffer || location.offset != whole.offset + channel {
        missing.append((operand, channel))
      }
      channel += locations.channels(operand)
    }
    guard !missing.isEmpty else { return }
    var copy = operation
    copy.others = missing.map(\.id)
    add(GatherStep(firstChannels: missing.map(\.channel)), copy)
  }
}
