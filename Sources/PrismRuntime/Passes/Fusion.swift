internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor

/// Finds the operations of a recording that can be computed in one go.
struct Fusion {
  let recording: Recording
  private let wanted: Set<ValueID>
  /// Values of which only the sum over images is wanted.
  let summed: Set<ValueID>
  /// A value that is always there.
  private let first: ValueID
  private var users: [[ValueID]]
  /// Bits by the values they are made of.
  private var activities: [ValueID: ValueID] = [:]
  var absorbed: Set<ValueID> = []
  private(set) var operations: [FusedOperation] = []

  // Values that are `wanted` must be stored as they are, those that are `summed` are added to what
  // is there of other images; what comes before those that are `given` is known.
  init(
    _ recording: Recording, given: [ValueID], wanted: [ValueID], summed: [ValueID] = []
  ) {
    self.recording = recording
    let wanted = wanted + summed
    self.wanted = Set(wanted)
    self.summed = Set(summed)
    first = given[0]
    absorbed = Set(given)
    let needed = recording.ancestors(of: wanted, stoppingAt: Set(given).contains)
    users = [[ValueID]](repeating: [], count: recording.values.count)
    for id in needed {
      guard !absorbed.contains(id) else { continue }
      // Bits are written beside a value: what else uses it does not notice.
      if recording.primitive(of: id) is Activity {
        activities[recording.operands(of: id)[0]] = id
        continue
      }
      for operand in recording.operands(of: id) { users[operand.index].append(id) }
    }
    let computed = needed.filter { !given.contains($0) && recording.primitive(of: $0) != nil }
    // Convolutions first: what they absorb is no operation of its own.
    for id in computed { addFused(id) }
    for id in computed where !absorbed.contains(id) { addSingle(id) }
    operations.sort { $0.order < $1.order }
  }

  // MARK: - Around a convolution

  private mutating func addFused(_ id: ValueID) {
    let operands = recording.operands(of: id)
    var operation = FusedOperation(work: .view, input: operands[0], output: id)
    switch recording.primitive(of: id) {
    case let primitive as Convolution where primitive.groups == 1 && canRun(primitive.window, id):
      operation.source = forwardSource(id, &operation)
      operation.head = absorbHead(of: &operation)
      operation.work = .convolution(
        shape(primitive.window, operation), isPointwise: primitive.window.isPointwise)
    case let primitive as Convolution where primitive.groups > 1 && canRun(primitive.window, id):
      operation.source = forwardSource(id, &operation)
      operation.work = .grouped(
        shape(primitive.window, operation), groups: primitive.groups)
    case let primitive as DepthwiseConvolution where canRun(primitive.window, id):
      operation.source = forwardSource(id, &operation)
      operation.work = .step(DepthwiseStep(shape: shape(primitive.window, operation)))
    case is PrismAutodiff.FullyConnected
    where areConstant(operands.dropFirst()) && !recording.isParameter(operands[0]):
      guard let weight = recording.parameter(operands[1]) else { return }
      let bias = operands.count > 2 ? recording.parameter(operands[2]) : nil
      operation.work = .step(FullyConnectedStep(weight: weight, bias: bias))
    case let pullback as Pullback:
      guard let work = fusedWork(of: pullback, &operation) else { return }
      operation.work = work
    default: return
    }
    finish(&operation, startingAt: id)
  }

  /// The weights of a convolution with the normalisation after it.
  private mutating func forwardSource(
    _ convolution: ValueID, _ operation: inout FusedOperation
  ) -> WeightSource {
    WeightSource(
      convolution: recording.original(of: convolution),
      folding: foldNormalization(after: &operation).map(recording.original))
  }

  private mutating func finish(_ operation: inout FusedOperation, startingAt id: ValueID) {
    absorbed.insert(id)
    absorbTail(of: &operation)
    operations.append(operation)
  }

  /// The batch normalisation that alone uses an operation's output.
  private mutating func foldNormalization(after operation: inout FusedOperation) -> ValueID? {
    guard let next = soleUser(of: operation.output), isNormalization(next, of: operation.output)
    else { return nil }
    absorbed.insert(next)
    operation.output = next
    return next
  }

  /// What stands before a convolution and can be done while its input is read.
  private mutating func absorbHead(of operation: inout FusedOperation) -> Head<ValueID> {
    let input = operation.input
    guard soleUser(of: input) != nil, !absorbed.contains(input),
      let source = recording.operands(of: input).first
    else { return .none }
    switch recording.primitive(of: input) {
    case is ReLU where activities[input] == nil:
      let inner = source
      guard soleUser(of: inner) != nil, !absorbed.contains(inner),
        let head = normalization(inner, relu: true)
      else { return .none }
      absorbed.formUnion([input, inner])
      operation.input = recording.operands(of: inner)[0]
      return head
    case _ where isNormalization(input, of: source):
      guard let head = normalization(input, relu: false) else { return .none }
      absorbed.insert(input)
      operation.input = source
      return head
    case is Multiply:
      guard let (image, gate) = gateOperands(of: input) else { return .none }
      absorbed.insert(input)
      operation.input = image
      return .gate(gate)
    default: return .none
    }
  }

  /// Activation and residual after an operation.
  private mutating func absorbTail(of operation: inout FusedOperation) {
    absorbFunction(of: &operation)
    guard operation.tail.activity == nil, activities[operation.output] == nil,
      let next = soleUser(of: operation.output), recording.primitive(of: next) is Add,
      !absorbed.contains(next)
    else { return }
    let operands = recording.operands(of: next)
    guard operands[0] != operands[1],
      operands.allSatisfy({ recording[$0].shape == recording[next].shape }),
      let other = operands.first(where: { $0 != operation.output }), !recording.isParameter(other)
    else { return }
    absorbed.insert(next)
    operation.tail.residual = other
    if operation.tail.isLinear {
      operation.output = next
      absorbFunction(of: &operation)
    } else {
      operation.tail.addsAfterFunction = true
      operation.output = next
    }
  }

  private mutating func absorbFunction(of operation: inout FusedOperation) {
    guard let next = soleUser(of: operation.output), !absorbed.contains(next),
      let primitive = recording.primitive(of: next)
    else { return }
    if let function = ElementwiseFunction(primitive) {
      operation.tail.activation = function
    } else if let gate = gate(next), recording.operands(of: next)[0] == operation.output,
      isByVectors(operation.work)
    {
      operation.tail.gate = gate
    } else {
      return
    }
    absorbed.insert(next)
    operation.output = next
    writeActivity(of: &operation)
  }

  /// Whether work divides channels at whole vectors, as bits demand.
  private func isByVectors(_ work: FusedOperation.Work) -> Bool {
    switch work {
    case .grouped, .step(is FullyConnectedStep): false
    default: true
    }
  }

  /// Writes the bits of a rectifier while its output is stored.
  private mutating func writeActivity(of operation: inout FusedOperation) {
    guard isByVectors(operation.work), let activity = activities[operation.output] else { return }
    absorbed.insert(activity)
    operation.tail.activity = activity
  }

  // MARK: - Single operations

  private mutating func addSingle(_ id: ValueID) {
    guard let primitive = recording.primitive(of: id) else { return }
    let operands = recording.operands(of: id)
    var operation = FusedOperation(work: .view, input: operands[0], output: id)
    if !recording.isParameter(operands[0]), let work = work(of: primitive, &operation) {
      operation.work = work
    } else {
      makePlain(primitive, &operation)
    }
    operations.append(operation)
  }

  /// How a primitive is computed that stands alone; `nil` where no kernel suits it.
  private mutating func work(
    of primitive: any Primitive, _ operation: inout FusedOperation
  ) -> FusedOperation.Work? {
    let id = operation.output
    let operands = recording.operands(of: id)
    switch primitive {
    case _ where isNormalization(id, of: operands[0]): return scaleShift(&operation)
    case _ where ElementwiseFunction(primitive) != nil:
      operation.tail.activation = ElementwiseFunction(primitive) ?? .identity
      operation.work = .step(FinishStep())
      writeActivity(of: &operation)
      return operation.work
    case let activity as Activity: return .step(ActivityStep(isBounded: activity.isBounded))
    case let normalization as LayerNormalization where areConstant(operands.dropFirst()):
      guard let scale = recording.parameter(operands[1]), recording[id].shape.rank == 4,
        let shift = recording.parameter(operands[2])
      else { return nil }
      return .step(
        LayerNormalizationStep(scale: scale, shift: shift, epsilon: normalization.epsilon))
    case is Add where areAlike(operands, id):
      operation.tail.residual = operands[1]
      return .step(FinishStep())
    case is Multiply: return product(&operation)
    case let quotient as StabilizedQuotient where areAlike(operands, id):
      operation.others = Array(operands.dropFirst())
      return .step(QuotientStep(quotient))
    case let pool as MaxPool where canRun(pool.window, id):
      return .step(MaximumPoolStep(shape: shape(pool.window, operation)))
    case let pool as AveragePool where canRun(pool.window, id) && pool.uncounted == .init():
      return .step(
        AveragePoolStep(shape: shape(pool.window, operation), countsPadding: pool.countsPadding))
    case is AdaptiveAveragePool where recording[operands[0]].shape == recording[id].shape:
      return .view
    case is GlobalAveragePool: return .step(GlobalAverageStep())
    case let pool as AdaptiveAveragePool where pool.height == 1 && pool.width == 1:
      return .step(GlobalAverageStep())
    case let mean as Mean where isOverPixels(mean.axes, operands[0]):
      return .step(GlobalAverageStep())
    case let slice as Slice where isOfChannels(slice, id): return .channels(from: slice.start)
    case let resize as Resize:
      return .step(ResizeStep(resize: resize, input: recording[operands[0]].shape))
    case let shuffle as ShuffleChannels where recording[id].shape.rank == 4:
      return .step(ShuffleStep(groups: shuffle.groups))
    case let concatenate as Concatenate where isByChannels(concatenate, id):
      operation.others = operands
      return .concatenation
    case is Reshape: return .view
    case let pullback as Pullback:
      return gradientWork(of: pullback, &operation) ?? singleWork(of: pullback, &operation)
    case let pullback as NormalizedWeightPullback: return gradientWork(of: pullback, &operation)
    case is NormalizedReLUPullback, is ActivityPullback: return gateWork(&operation)
    default: return nil
    }
  }

  private mutating func scaleShift(_ operation: inout FusedOperation) -> FusedOperation.Work? {
    let id = operation.output
    var relu = false
    if let next = soleUser(of: id), recording.primitive(of: next) is ReLU,
      !absorbed.contains(next)
    {
      relu = true
      operation.output = next
    }
    guard let head = normalization(id, relu: relu) else {
      operation.output = id
      return nil
    }
    if relu { absorbed.insert(operation.output) }
    operation.head = head
    return .step(ScaleShiftStep())
  }

  private func product(_ operation: inout FusedOperation) -> FusedOperation.Work? {
    let operands = recording.operands(of: operation.output)
    if let (image, gate) = gateOperands(of: operation.output) {
      operation.input = image
      operation.head = .gate(gate)
      return .step(ScaleShiftStep())
    }
    guard areAlike(operands, operation.output) else { return nil }
    operation.others = [operands[1]]
    return .step(ProductStep())
  }

  /// Computes a primitive as the recording does.
  private func makePlain(_ primitive: any Primitive, _ operation: inout FusedOperation) {
    let operands = recording.operands(of: operation.output)
    operation.others = operands.filter { !recording.isParameter($0) }
    operation.input = operation.others.first ?? first
    var values = 0
    let given = operands.map { id -> PlainStep.Operand in
      if let tensor = recording.parameter(id) { return .parameter(tensor) }
      values += 1
      return .value(values - 1, recording[id].shape)
    }
    operation.work = .step(
      PlainStep(primitive, operands: given, output: recording[operation.output].shape))
  }

  // MARK: - Questions

  /// The one value that is computed from a value, unless the value itself is wanted.
  func soleUser(of id: ValueID) -> ValueID? {
    users[id.index].count == 1 && !wanted.contains(id) ? users[id.index][0] : nil
  }

  /// Whether a value is a batch normalisation of another with constant statistics, or another
  /// affine function with constants for every channel.
  private func isNormalization(_ id: ValueID, of input: ValueID) -> Bool {
    let operands = recording.operands(of: id)
    // Of other ranks all but the batch is one row, and no kernel has the constants again and again.
    guard operands.first == input, !recording.isParameter(input),
      [2, 4].contains(recording[id].shape.rank),
      operands.dropFirst().allSatisfy(recording.isParameter)
    else { return false }
    return recording.primitive(of: id) is BatchNormalization
      || ChannelAffine.isOne(id, in: recording)
  }

  /// Whether axes are those of rows and columns of an image.
  func isOverPixels(_ axes: [Int], _ input: ValueID) -> Bool {
    let rank = recording[input].shape.rank
    return rank == 4 && Set(axes.map { $0 < 0 ? $0 + rank : $0 }) == [1, 2]
  }

  /// Whether a slice is of neighbouring channels of an image that need not be stored by themselves.
  private func isOfChannels(_ slice: Slice, _ id: ValueID) -> Bool {
    recording[id].shape.rank == 4 && [-1, 3].contains(slice.axis) && slice.step == 1
      && !wanted.contains(id)
  }

  /// An image and one factor for each of its channels, if a product is of such.
  private func gateOperands(of id: ValueID) -> (image: ValueID, gate: ValueID)? {
    let operands = recording.operands(of: id)
    let shape = recording[id].shape
    guard shape.rank == 4, !operands.contains(where: recording.isParameter) else { return nil }
    let gateShape = Shape([1, 1, 1, shape[3]])
    for (image, gate) in [(operands[0], operands[1]), (operands[1], operands[0])]
    where recording[image].shape == shape && recording[gate].shape == gateShape
      && shape != gateShape
    {
      return (image, gate)
    }
    return nil
  }

  /// A batch normalisation with constant statistics.
  private func normalization(_ id: ValueID, relu: Bool) -> Head<ValueID>? {
    guard let input = recording.operands(of: id).first, isNormalization(id, of: input),
      let affine = ChannelAffine(id, in: recording)
    else { return nil }
    return .normalization(affine, relu: relu)
  }

  /// Whether values are tensors of the model.
  func areConstant(_ ids: ArraySlice<ValueID>) -> Bool {
    ids.allSatisfy(recording.isParameter)
  }

  /// Whether operands are computed and have the shape of the result.
  private func areAlike(_ operands: [ValueID], _ id: ValueID) -> Bool {
    operands.allSatisfy {
      recording[$0].shape == recording[id].shape && !recording.isParameter($0)
    }
  }

  /// Whether a concatenation puts the channels of maps one after the other.
  private func isByChannels(_ concatenate: Concatenate, _ id: ValueID) -> Bool {
    let rank = recording[id].shape.rank
    return rank == 4 && [-1, rank - 1].contains(concatenate.axis)
      && !recording.operands(of: id).contains(where: recording.isParameter)
  }

  /// Whether the kernels take a window and its weights: no dilation, padding smaller than the
  /// kernel, and all but the image is constant.
  func canRun(_ window: SlidingWindow, _ id: ValueID) -> Bool {
    let operands = recording.operands(of: id)
    return !recording.isParameter(operands[0]) && areConstant(operands.dropFirst())
      && isPlain(window)
  }

  /// Whether the kernels take a window.
  func isPlain(_ window: SlidingWindow) -> Bool {
    [window.vertical, window.horizontal].allSatisfy { axis in
      axis.dilation == 1 && axis.before < axis.kernel && axis.after < axis.kernel
    }
  }

  /// The sizes of an operation that slides a window over its input.
  private func shape(
    _ window: SlidingWindow, _ operation: FusedOperation
  ) -> ConvolutionShape {
    shape(window, from: operation.input, to: operation.output)
  }

  /// The sizes of an operation that slides a window over one value and makes another.
  func shape(_ window: SlidingWindow, from input: ValueID, to output: ValueID) -> ConvolutionShape {
    let (x, y) = (recording[input].shape, recording[output].shape)
    return ConvolutionShape(
      inputHeight: x[1], inputWidth: x[2], inputChannels: x[3], outputChannels: y[3],
      kernelHeight: window.vertical.kernel, kernelWidth: window.horizontal.kernel,
      strideHeight: window.vertical.stride, strideWidth: window.horizontal.stride,
      paddingTop: window.vertical.before, paddingLeft: window.horizontal.before,
      paddingBottom: window.vertical.after, paddingRight: window.horizontal.after)
  }
}
