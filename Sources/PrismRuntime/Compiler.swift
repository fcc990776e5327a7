internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor

/// Turns a recording into a program: finds what can be fused, chooses algorithms, places values.
struct Compiler {
  /// Where a value is before memory is given out.
  private struct Location {
    var buffer: Int
    var offset = 0
    var stride: Int
  }

  private struct Buffer {
    var size: Int
    /// The moments at which it is first and last needed.
    var first: Int
    var last: Int
  }

  /// The memory of a buffer.
  private struct Home {
    var arena = Place.Arena.thread
    var offset = 0
  }

  private(set) var program: Program
  private let recording: Recording
  private let kernels: Kernels
  private let precision: Plan.Precision
  private let operations: [FusedOperation]
  private var locations: [ValueID: Location] = [:]
  private var buffers: [Buffer] = []
  private var packing: [PackJob] = []

  init(
    _ recording: Recording, wanted: [ValueID], precision: Plan.Precision, kernels: Kernels,
    weights: PackedWeights
  ) {
    self.recording = recording
    self.kernels = kernels
    self.precision = precision
    operations = Fusion(recording, wanted: wanted).operations
    program = Program(input: recording.inputs[0])
    place(wanted)
    let drafts = joined(operations.flatMap { draft($0) }, wanted: wanted)
    weights.pack(packing, recording: recording, kernels: kernels, pool: Workers.pool)
    assemble(drafts, wanted: wanted, weights: weights)
  }

  // MARK: - Values and buffers

  private func rows(_ id: ValueID) -> Int {
    let shape = recording[id].shape
    return shape.rank == 4 ? shape[1] * shape[2] : 1
  }

  private func channels(_ id: ValueID) -> Int { recording[id].shape.count / rows(id) }

  private mutating func newLocation(_ id: ValueID) -> Location {
    buffers.append(Buffer(size: recording[id].shape.count, first: .max, last: .min))
    return Location(buffer: buffers.count - 1, stride: channels(id))
  }

  /// Gives every stored value a buffer; what is concatenated is written straight into the concatenation.
  private mutating func place(_ wanted: [ValueID]) {
    let strided = Set(operations.filter(Self.canStride).map(\.output))
    let wanted = Set(wanted)
    // The last concatenation first, so that a chain of them ends up in one buffer.
    for operation in operations.reversed() {
      guard case .concatenation(let operands) = operation.kind else { continue }
      let whole = locations[operation.output] ?? newLocation(operation.output)
      locations[operation.output] = whole
      var offset = whole.offset
      for operand in operands {
        if strided.contains(operand), locations[operand] == nil {
          locations[operand] = Location(
            buffer: whole.buffer, offset: offset, stride: whole.stride)
        }
        offset += channels(operand)
      }
    }
    for operation in operations where locations[operation.output] == nil {
      if case .view = operation.kind, let source = locations[operation.input],
        source.stride == channels(operation.input) || rows(operation.input) == 1,
        !wanted.contains(operation.input)
      {
        locations[operation.output] = Location(
          buffer: source.buffer, offset: source.offset, stride: channels(operation.output))
      } else {
        locations[operation.output] = newLocation(operation.output)
      }
      if locations[recording.inputs[0]] == nil {
        locations[recording.inputs[0]] = newLocation(recording.inputs[0])
      }
    }
    if locations[recording.inputs[0]] == nil {
      locations[recording.inputs[0]] = newLocation(recording.inputs[0])
    }
  }

  /// Whether an operation can leave room between the pixels of its output.
  private static func canStride(_ operation: FusedOperation) -> Bool {
    switch operation.kind {
    case .view, .globalAverage, .dense: false
    default: true
    }
  }

  // MARK: - Steps

  /// A step whose places are still values.
  private struct Draft {
    var work: Step.Work
    var input: ValueID
    var output: ValueID
    var key: PackedWeights.Key?
    var head = FusedOperation.Head.none
    var tail = FusedOperation.Tail()
    /// Values that are read besides the input.
    var others: [ValueID] = []
    var scratch = 0
    /// Bytes of weights that are worth reading once for a whole batch.
    var isBatched = false
    /// For concatenations: the operands that were not written in place, and their first channels.
    var copies: [(ValueID, Int)] = []
    /// For primitives without kernels.
    var operands: [ValueID] = []
    /// What a joined step consists of.
    var links: [Draft] = []

    /// Whether all of an image's input has been read before any of its output is written.
    var readsBeforeWriting: Bool {
      if isBatched, tail.residual != input, case .winograd = work { return true }
      return false
    }
  }

  private mutating func draft(_ operation: FusedOperation) -> [Draft] {
    var draft = Draft(work: .finish, input: operation.input, output: operation.output)
    draft.tail = operation.tail
    draft.others = operation.tail.residual.map { [$0] } ?? []
    switch operation.kind {
    case .convolution(let id, let folding, let head):
      draft.head = head
      if case .gate(let gate) = head { draft.others.append(gate) }
      chooseAlgorithm(&draft, convolution: id, folding: folding)
    case .depthwise(let id, let folding):
      guard let convolution = recording.primitive(of: id) as? DepthwiseConvolution else {
        return []
      }
      let shape = convolutionShape(convolution.window, from: operation.input, to: operation.output)
      draft.work = .depthwise(shape)
      draft.key = .init(convolution: id, folding: folding, algorithm: .depthwise)
      packing.append(
        PackJob(key: .init(convolution: id, folding: folding, algorithm: .depthwise), shape: shape))
    case .dense(let id):
      let operands = recording.operands(of: id)
      guard let weight = recording.parameter(operands[1]) else { return [] }
      let bias = operands.count > 2 ? recording.parameter(operands[2]) : nil
      draft.work = .dense(weight: weight, bias: bias)
      draft.isBatched = weight.count >= 1 << 16
    case .normalization(let id, let relu):
      draft.work = .scaleShift
      draft.head = .normalization(id, relu: relu)
    case .gate(_, let gate):
      draft.work = .scaleShift
      draft.head = .gate(gate)
      draft.others.append(gate)
    case .elementwise: draft.work = .finish
    case .product(let other):
      draft.work = .product(Self.nowhere)
      draft.others.append(other)
    case .maximumPool(let window):
      draft.work = .maximumPool(
        convolutionShape(window, from: operation.input, to: operation.output))
    case .averagePool(let window, let countsPadding):
      draft.work = .averagePool(
        convolutionShape(window, from: operation.input, to: operation.output),
        countsPadding: countsPadding)
    case .globalAverage: draft.work = .globalAverage
    case .concatenation(let operands):
      guard let whole = locations[operation.output] else { return [] }
      var offset = whole.offset
      for operand in operands {
        if let location = locations[operand],
          location.buffer != whole.buffer || location.offset != offset
        {
          draft.copies.append((operand, offset - whole.offset))
          draft.others.append(operand)
        }
        offset += channels(operand)
      }
      if draft.copies.isEmpty { return [] }
      draft.work = .copy([])
    case .view:
      let (source, target) = (locations[operation.input], locations[operation.output])
      if source?.buffer == target?.buffer { return [] }
      draft.work = .copy([])
    case .primitive(let primitive, let operands):
      draft.work = .primitive(primitive, [], recording[operation.output].shape)
      draft.operands = operands
      draft.others += operands.filter { !recording.isParameter($0) }
    }
    return [draft]
  }

  private static let nowhere = Place(arena: .thread, offset: 0, stride: 0, rows: 0, channels: 0)

  private mutating func chooseAlgorithm(
    _ draft: inout Draft, convolution id: ValueID, folding: ValueID?
  ) {
    guard let convolution = recording.primitive(of: id) as? Convolution else { return }
    let shape = convolutionShape(convolution.window, from: draft.input, to: draft.output)
    let algorithm: ConvolutionAlgorithm
    if convolution.window.isPointwise {
      algorithm = .pointwise
      draft.work = .pointwise(width: shape.inputWidth)
    } else if let m = winogradSize(shape, draft.head) {
      algorithm = .winograd(m: m)
      draft.work = .winograd(shape, m: m)
      draft.scratch = max(
        kernels.winogradScratchSize(shape, m: m), kernels.winogradPatchSize(shape, m: m))
      let tiles = kernels.winogradTiles(shape, m: m)
      let weights = kernels.winogradPackedSize(
        inputChannels: shape.inputChannels, outputChannels: shape.outputChannels, m: m)
      draft.isBatched = weights >= 1 << 21 && tiles <= 64
    } else {
      algorithm = .direct
      draft.work = .direct(shape)
      draft.scratch = kernels.denseScratchSize(shape)
    }
    let key = PackedWeights.Key(convolution: id, folding: folding, algorithm: algorithm)
    draft.key = key
    packing.append(PackJob(key: key, shape: shape))
  }

  /// The output tile of the Winograd algorithm that suits a convolution, or `nil` where the direct sum is better.
  private func winogradSize(_ shape: ConvolutionShape, _ head: FusedOperation.Head) -> Int? {
    guard shape.kernelHeight == 3, shape.kernelWidth == 3, shape.strideHeight == 1,
      shape.strideWidth == 1, shape.inputChannels >= 16, shape.outputChannels >= 16,
      min(shape.outputHeight, shape.outputWidth) >= 4
    else { return nil }
    guard case .none = head else { return nil }
    return precision == .strict ? 2 : 4
  }

  private func convolutionShape(
    _ window: SlidingWindow, from input: ValueID, to output: ValueID
  ) -> ConvolutionShape {
    let (x, y) = (recording[input].shape, recording[output].shape)
    return ConvolutionShape(
      inputHeight: x[1], inputWidth: x[2], inputChannels: x[3], outputChannels: y[3],
      kernelHeight: window.vertical.kernel, kernelWidth: window.horizontal.kernel,
      strideHeight: window.vertical.stride, strideWidth: window.horizontal.stride,
      paddingTop: window.vertical.before, paddingLeft: window.horizontal.before,
      paddingBottom: window.vertical.after, paddingRight: window.horizontal.after)
  }

  // MARK: - Joined steps

  /// Puts convolutions around a depthwise one together, and convolutions with the pooling after them.
  private func joined(_ drafts: [Draft], wanted: [ValueID]) -> [Draft] {
    var uses: [ValueID: Int] = [:]
    for id in operations.flatMap(\.operands) + wanted { uses[id, default: 0] += 1 }
    /// Whether a value goes from one step to the next and nowhere else.
    func isLink(_ first: Draft, _ second: Draft) -> Bool {
      second.input == first.output && uses[first.output] == 1
    }
    var result: [Draft] = []
    var position = 0
    while position < drafts.count {
      var end = position
      switch drafts[position].work {
      case .pointwise, .direct:
        let next = position + 1
        if next < drafts.count, case .depthwise = drafts[next].work,
          isLink(drafts[position], drafts[next])
        {
          end = next
        }
      case .depthwise: break
      default:
        var links = [drafts[position]]
        if position + 1 < drafts.count, isLink(links[0], drafts[position + 1]),
          isPooled(links[0], by: drafts[position + 1])
        {
          links.append(drafts[position + 1])
        }
        result.append(links.count == 1 ? links[0] : join(links))
        position += links.count
        continue
      }
      if case .depthwise = drafts[end].work, end + 1 < drafts.count,
        case .pointwise = drafts[end + 1].work, case .none = drafts[end + 1].head,
        isLink(drafts[end], drafts[end + 1])
      {
        end += 1
      }
      result.append(end == position ? drafts[position] : join(Array(drafts[position...end])))
      position = end + 1
    }
    return result
  }

  /// Whether a convolution and a pooling can be computed in bands of rows.
  private func isPooled(_ first: Draft, by second: Draft) -> Bool {
    guard !first.isBatched, case .winograd(let shape, let m) = first.work,
      case .maximumPool(let pool) = second.work
    else { return false }
    return PooledConvolution.suits(shape, m: m, pool: pool)
  }

  /// One step of several; its work is made when places are known.
  private func join(_ links: [Draft]) -> Draft {
    var draft = Draft(
      work: .finish, input: links[0].input, output: links[links.count - 1].output)
    draft.others = links.flatMap(\.others)
    draft.links = links
    // Threads that divide the chain of a single image meet between its halves.
    if case .depthwise(let shape) = links[links.count - 2].work,
      ConvolutionChain.isByChannels(shape, panelWidth: kernels.pointwisePanelWidth())
    {
      draft.others.append(links[links.count - 2].output)
    }
    return draft
  }

  // MARK: - Memory

  /// Finds the lifetime of every buffer, gives out memory and writes the program.
  private mutating func assemble(
    _ drafts: [Draft], wanted: [ValueID], weights: PackedWeights
  ) {
    var drafts = drafts
    // The input first; wanted values are stored as soon as they are there.
    let input = recording.inputs[0]
    drafts.insert(Draft(work: .load, input: input, output: input), at: 0)
    for (index, id) in wanted.enumerated() {
      program.wanted.append(.init(shape: recording[id].shape))
      let owner = drafts.lastIndex { $0.output == id || isPart($0.output, of: id) } ?? 0
      var position = owner + 1
      while position < drafts.count, case .store = drafts[position].work { position += 1 }
      drafts.insert(Draft(work: .store(index), input: id, output: id), at: position)
    }

    let groupStart = groupStart(of: drafts)
    var phase = 0
    var phases: [Int] = []
    for (step, draft) in drafts.enumerated() {
      if step == groupStart { phase += 1 }
      if draft.isBatched {
        phases.append(phase + 1)
        phase += 2
      } else {
        phases.append(phase)
      }
    }
    var touched: [Int: Set<Int>] = [:]
    for (step, draft) in drafts.enumerated() {
      for id in [draft.input, draft.output] + draft.others {
        guard let buffer = locations[id]?.buffer else { continue }
        // Twice as many moments as steps: a step that has read its input before it writes may write over it.
        let isRead = id == draft.input && draft.readsBeforeWriting
        let isWritten = id == draft.output && draft.readsBeforeWriting
        buffers[buffer].first = min(buffers[buffer].first, isWritten ? 2 * step + 1 : 2 * step)
        buffers[buffer].last = max(buffers[buffer].last, isRead ? 2 * step : 2 * step + 1)
        touched[buffer, default: []].insert(phases[step])
      }
    }

    // What outlives a phase (as all that batched steps read and write), or is computed step by step for a group of
    // images, is in an arena of each image; the rest in an arena of the thread.
    var homes = [Home](repeating: Home(), count: buffers.count)
    func layOut(_ arena: Place.Arena, _ indices: [Int]) -> Int {
      let layout = ArenaLayout(
        indices.map { .init(size: buffers[$0].size, moments: buffers[$0].first...buffers[$0].last) }
      )
      for (index, offset) in zip(indices, layout.offsets) {
        homes[index] = Home(arena: arena, offset: offset)
      }
      return layout.size
    }
    let used = buffers.indices.filter { buffers[$0].first <= buffers[$0].last }
    let ofImage = Set(
      used.filter { touched[$0, default: []].count > 1 || buffers[$0].last >= 2 * groupStart })
    program.arenaSize = layOut(.thread, used.filter { !ofImage.contains($0) })
    program.imageArenaSize = layOut(.image, used.filter(ofImage.contains))

    var current: [Step] = []
    for (position, draft) in drafts.enumerated() {
      if position == groupStart {
        program.phases.append(.image(.init(current)))
        current = []
      }
      let step = finished(draft, homes, weights)
      program.scratchSize = max(program.scratchSize, scratch(draft, step))
      if draft.isBatched {
        program.phases += [
          position > groupStart ? .group(.init(current)) : .image(.init(current)), .batch(step),
        ]
        current = []
      } else {
        current.append(step)
      }
    }
    program.phases.append(
      drafts.count > groupStart ? .group(.init(current)) : .image(.init(current)))
  }

  /// The first of the steps at the end of a network that read more weights than numbers: several images in turn go
  /// through each of them, so that the weights come from the cache for all but the first.
  private func groupStart(of drafts: [Draft]) -> Int {
    var start = drafts.count
    var weights = 0
    for (position, draft) in drafts.enumerated().reversed() where !draft.isBatched {
      guard rows(draft.output) <= 64, rows(draft.input) <= 256 else { break }
      if let key = draft.key, let weight = recording.parameter(weight(of: key)) {
        weights += weight.count
      }
      start = position
    }
    return weights >= 1 << 18 ? start : drafts.count
  }

  private func weight(of key: PackedWeights.Key) -> ValueID {
    recording.operands(of: key.convolution)[1]
  }

  /// Whether a value is written in place into a concatenation.
  private func isPart(_ id: ValueID, of whole: ValueID) -> Bool {
    guard id < whole, let part = locations[id], let location = locations[whole],
      part.buffer == location.buffer
    else { return false }
    return part.offset >= location.offset
      && part.offset + channels(id) <= location.offset + channels(whole)
  }

  private func place(_ id: ValueID, _ homes: [Home]) -> Place {
    guard let location = locations[id] else { return Self.nowhere }
    return Place(
      arena: homes[location.buffer].arena,
      offset: homes[location.buffer].offset + location.offset,
      stride: location.stride,
      rows: rows(id), channels: channels(id))
  }

  private func finished(
    _ draft: Draft, _ homes: [Home], _ weights: PackedWeights
  ) -> Step {
    if !draft.links.isEmpty { return finishedLinks(draft, homes, weights) }
    var step = Step(
      work: draft.work, input: place(draft.input, homes), output: place(draft.output, homes))
    step.weights = draft.key.flatMap { weights[$0] }
    step.function = draft.tail.activation
    step.residual = draft.tail.residual.map { place($0, homes) }
    step.addsAfterFunction = draft.tail.addsAfterFunction
    switch draft.head {
    case .none: break
    case .gate(let gate): step.head = .gate(place(gate, homes))
    case .normalization(let id, let relu):
      guard let affine = ChannelAffine(id, in: recording) else { break }
      step.head = .affine(
        scale: Self.block(affine.scale), shift: Self.block(affine.shift), relu: relu)
    }
    switch draft.work {
    case .product: step.work = .product(place(draft.others[draft.others.count - 1], homes))
    case .copy:
      if draft.copies.isEmpty {
        // A view of numbers that are not contiguous: laid out row after row.
        var source = step.input
        var target = step.output
        (target.rows, target.channels, target.stride) = (
          source.rows, source.channels, source.channels
        )
        if source.rows == 1 { source.stride = source.channels }
        step.work = .copy([(source, target)])
      } else {
        step.work = .copy(
          draft.copies.map { operand, offset in
            var target = step.output
            target.offset += offset
            target.channels = channels(operand)
            return (place(operand, homes), target)
          })
      }
    case .primitive(let primitive, _, let shape):
      step.work = .primitive(
        primitive,
        draft.operands.map { id in
          recording.parameter(id).map { .parameter($0) }
            ?? .value(place(id, homes), recording[id].shape)
        }, shape)
    default: break
    }
    return step
  }

  private func finishedLinks(
    _ draft: Draft, _ homes: [Home], _ weights: PackedWeights
  ) -> Step {
    let steps = draft.links.map { finished($0, homes, weights) }
    var step = Step(
      work: .finish, input: place(draft.input, homes), output: place(draft.output, homes))
    if case .winograd(let shape, let m) = steps[0].work,
      case .maximumPool(let pool) = steps[1].work
    {
      step.work = .pooled(
        PooledConvolution(
          convolution: steps[0], shape: shape, m: m, pool: pool,
          stepScratch: scratch(draft.links[0], steps[0])))
    }
    for (index, middle) in steps.enumerated() {
      guard case .depthwise(let shape) = middle.work else { continue }
      step.work = .chain(
        ConvolutionChain(
          before: index > 0 ? steps[index - 1] : nil, depthwise: middle,
          after: index + 1 < steps.count ? steps[index + 1] : nil, shape: shape,
          stepScratch: zip(draft.links, steps).map(scratch).max() ?? 0,
          panelWidth: kernels.pointwisePanelWidth()))
    }
    return step
  }

  private func scratch(_ draft: Draft, _ step: Step) -> Int {
    switch step.work {
    case .chain(let chain): return chain.scratchSize
    case .pooled(let pooled): return pooled.scratchSize
    default: break
    }
    guard case .pointwise = draft.work else { return draft.scratch }
    var hasPrologue = false
    if case .none = step.head {} else { hasPrologue = true }
    return kernels.pointwiseScratchSize(
      inputChannels: step.input.channels, inputStride: step.input.stride,
      outputChannels: step.output.channels, hasPrologue: hasPrologue)
  }

  private static func block(_ numbers: [Double]) -> FloatBlock {
    let block = FloatBlock(count: numbers.count)
    for (i, number) in numbers.enumerated() { block.pointer[i] = Float(number) }
    return block
  }
}
