internal import PrismTensor

/// Writes down the operations of walks back.
struct ReverseWriter {
  /// What happens at every operation.
  enum Rule {
    /// The derivative; or that of guided backpropagation.
    case derivative(isGuided: Bool)
    /// Relevance is divided as is stated for every operation.
    case relevance(RelevanceDivisions)
    /// DeepLIFT's multipliers; the values of the evaluation that is compared with, by those of the
    /// other.
    case multipliers([ValueID: ValueID])
  }

  let recording: Recording
  private let output: ValueID
  private let targets: Set<ValueID>
  private let rule: Rule
  private let readsOutputs: Bool
  /// For every value whether it lies on a walk.
  let active: [Bool]
  private let path: [ValueID]
  private var userCounts: [Int]
  /// What pointwise convolutions without groups read.
  private var pointwiseInputs: Set<ValueID> = []
  /// Where rectifiers are active, by their outputs; the same for all walks.
  private var activities: [ValueID: ValueID] = [:]
  private(set) var entries: [Recording.Entry] = []
  /// The gradients by the weights of convolutions with the normalisations after them.
  private(set) var folded: [FoldedGradient] = []
  /// What has been written for the rule, the same for all walks.
  var notes = RuleNotes()

  private var isGuided: Bool { if case .derivative(true) = rule { true } else { false } }

  /// Begins to write.
  ///
  /// - Parameters:
  ///   - recording: The forward pass.
  ///   - output: Where walks begin.
  ///   - targets: Where they end: values of the forward pass, or tensors of the model.
  ///   - rule: What happens at every operation.
  ///   - readsOutputs: Whether walks read the outputs of rectifiers, because they are kept whole
  ///     anyway, instead of bits.
  init(
    _ recording: Recording, of output: ValueID, at targets: [ValueID], rule: Rule,
    readsOutputs: Bool = false
  ) {
    self.recording = recording
    self.readsOutputs = readsOutputs
    self.output = output
    self.targets = Set(targets)
    self.rule = rule
    active = recording.activity(from: targets, to: output)
    path = recording.path(active)
    userCounts = [Int](repeating: 0, count: recording.values.count)
    for id in recording.ancestors(of: [output]) {
      let operands = recording.operands(of: id)
      for operand in operands { userCounts[operand.index] += 1 }
      if let convolution = recording.primitive(of: id) as? Convolution,
        convolution.window.isPointwise, convolution.groups == 1,
        operands.dropFirst().allSatisfy(recording.isParameter)
      {
        pointwiseInputs.insert(operands[0])
      }
    }
  }

  mutating func add(_ origin: Recording.Origin, _ shape: Shape) -> ValueID {
    entries.append(Recording.Entry(origin: origin, shape: shape))
    return ValueID(index: recording.values.count + entries.count - 1)
  }

  mutating func add(
    _ primitive: any Primitive, _ operands: [ValueID], _ shape: Shape
  ) -> ValueID {
    add(.computed(primitive, operands), shape)
  }

  /// The shape of a value that was there, or that has been written.
  func shape(_ id: ValueID) -> Shape {
    let count = recording.values.count
    return id.index < count ? recording[id].shape : entries[id.index - count].shape
  }

  /// The values that are the gradients at the targets, but for ``folded`` ones.
  mutating func walk(from cotangent: ValueID) -> [ValueID: ValueID] {
    var cotangents = [output: cotangent]
    for id in path.reversed() {
      // A target may lie on the way to another.
      guard
        let cotangent = targets.contains(id) ? cotangents[id] : cotangents.removeValue(forKey: id)
      else { continue }
      for (operand, found) in step(back: cotangent, through: id) {
        if let known = cotangents[operand] {
          cotangents[operand] = add(Add(), [known, found], recording[operand].shape)
        } else {
          cotangents[operand] = found
        }
      }
    }
    return cotangents.filter { targets.contains($0.key) }
  }

  /// The cotangents of an operation's operands.
  private mutating func step(
    back cotangent: ValueID, through id: ValueID
  ) -> [(operand: ValueID, cotangent: ValueID)] {
    guard let primitive = recording.primitive(of: id) else { return [] }
    switch rule {
    case .derivative: break
    case .relevance(let divisions):
      return divided(cotangent, through: id, primitive, divisions)
    case .multipliers(let references):
      return multiplied(cotangent, through: id, primitive, references)
    }
    if let (normalization, value) = normalization(before: id) {
      return [through(normalization, value, cotangent)]
    }
    if let convolution = convolution(before: id) {
      return through(convolution, id, primitive, cotangent)
    }
    let isFolded = folded.contains { $0.convolution == id }
    return recording.operands(of: id).enumerated()
      .filter { active[$0.element.index] && !(isFolded && $0.offset > 0) }
      .map { position, operand in
        (
          operand,
          position == 1
            ? weightGradient(cotangent, through: id, primitive)
            : pulledBack(cotangent, through: id, primitive, position: position)
        )
      }
  }

  mutating func pulledBack(
    _ cotangent: ValueID, through id: ValueID, _ primitive: any Primitive, position: Int
  ) -> ValueID {
    let operands = recording.operands(of: id)
    let shape = recording[operands[position]].shape
    let result = recording[id].shape
    if readsOutputs, primitive is ReLU, let (normalization, value) = recomputed(id) {
      let gate = NormalizedReLUPullback(
        normalization: normalization, value: value, isGuided: false)
      return add(gate, [cotangent] + recording.operands(of: value), shape)
    }
    switch primitive {
    case is Add where shape == result: return cotangent
    case is Subtract where shape == result && position == 0: return cotangent
    case is AdaptiveAveragePool where shape == result: return cotangent
    case is Multiply where shape == result:
      return add(Multiply(), [cotangent, operands[1 - position]], shape)
    case is ReLU where !readsOutputs, is ReLU6 where !readsOutputs:
      let activity = activity(of: id, isBounded: primitive is ReLU6)
      return add(ActivityPullback(isGuided: isGuided), [cotangent, activity], shape)
    case is Reshape: return add(Reshape(shape: shape), [cotangent], shape)
    case let concatenation as Concatenate
    where shape.rank == 4 && [-1, 3].contains(concatenation.axis):
      let start = operands.prefix(position).reduce(0) { $0 + recording[$1].shape[3] }
      return add(Slice(axis: -1, start: start, end: start + shape[3]), [cotangent], shape)
    default:
      let pullback = Pullback(
        id, primitive, position: position, in: recording, isGuided: isGuided)
      let read = pullback.reads.inputs.map { operands[$0] } + (pullback.reads.output ? [id] : [])
      return add(pullback, [cotangent] + read, shape)
    }
  }

  /// Where the rectifier that computes a value is active.
  private mutating func activity(of id: ValueID, isBounded: Bool) -> ValueID {
    if let known = activities[id] { return known }
    let activity = add(Activity(isBounded: isBounded), [id], recording[id].shape)
    activities[id] = activity
    return activity
  }

  /// The normalisation whose only use is a ReLU, where it is not folded into a convolution before
  /// it: the input of such a one is kept.
  private func normalization(
    before relu: ValueID
  ) -> (primitive: BatchNormalization, value: ValueID)? {
    guard recording.primitive(of: relu) is ReLU,
      let value = recording.operands(of: relu).first, !targets.contains(value),
      userCounts[value.index] == 1,
      let primitive = recording.primitive(of: value) as? BatchNormalization
    else { return nil }
    let operands = recording.operands(of: value)
    guard recording[value].shape.rank == 4, active[operands[0].index],
      operands.dropFirst().allSatisfy({ recording.isParameter($0) && !targets.contains($0) })
    else { return nil }
    let isFolded =
      recording.primitive(of: operands[0]) is any ConvolutionPrimitive
      && userCounts[operands[0].index] == 1
    return isFolded ? nil : (primitive, value)
  }

  /// Walks back through a normalisation and the ReLU after it.
  ///
  /// The factors come first, so that they can become part of what was before on the walk; but the
  /// rule of guided backpropagation looks at the cotangent as it is.
  private mutating func through(
    _ normalization: BatchNormalization, _ value: ValueID, _ cotangent: ValueID
  ) -> (operand: ValueID, cotangent: ValueID) {
    let operands = recording.operands(of: value)
    let shape = recording[value].shape
    let gate = NormalizedReLUPullback(
      normalization: normalization, value: value, isGuided: isGuided)
    var result = cotangent
    if isGuided { result = add(gate, [result] + operands, shape) }
    result = pulledBack(result, through: value, normalization, position: 0)
    if !isGuided { result = add(gate, [result] + operands, shape) }
    return (operands[0], result)
  }

  // MARK: - Parameters

  /// The gradient by the second operand of an operation, such as the weight of a convolution.
  private mutating func weightGradient(
    _ cotangent: ValueID, through id: ValueID, _ primitive: any Primitive
  ) -> ValueID {
    let operands = recording.operands(of: id)
    guard let convolution = primitive as? Convolution,
      let (normalization, value) = recomputed(operands[0])
    else { return pulledBack(cotangent, through: id, primitive, position: 1) }
    let shape = recording[operands[1]].shape
    return add(
      NormalizedWeightPullback(convolution, id, of: normalization, value, weight: shape),
      [cotangent] + recording.operands(of: value), shape)
  }

  /// The normalisation with stored statistics before a ReLU whose output is not kept, but computed
  /// again: it goes nowhere but into a pointwise convolution without groups, and what is normalised
  /// is kept in any case.
  private func recomputed(
    _ relu: ValueID
  ) -> (primitive: BatchNormalization, value: ValueID)? {
    guard readsOutputs, recording.primitive(of: relu) is ReLU, relu != output,
      userCounts[relu.index] == 1, recording[relu].shape.rank == 4,
      let value = recording.operands(of: relu).first, userCounts[value.index] == 1,
      let normalization = recording.primitive(of: value) as? BatchNormalization,
      pointwiseInputs.contains(relu)
    else { return nil }
    let operands = recording.operands(of: value)
    let isFolded =
      recording.primitive(of: operands[0]) is any ConvolutionPrimitive
      && userCounts[operands[0].index] == 1
    guard !isFolded, operands.dropFirst().allSatisfy(recording.isParameter) else { return nil }
    return (normalization, value)
  }

  /// The convolution before a normalisation with stored statistics, where it is used nowhere else
  /// and some of the parameters of both are targets.
  private func convolution(before normalization: ValueID) -> ValueID? {
    guard recording.primitive(of: normalization) is BatchNormalization else { return nil }
    let operands = recording.operands(of: normalization)
    let value = operands[0]
    guard recording.primitive(of: value) is any ConvolutionPrimitive, value != output,
      userCounts[value.index] == 1, !targets.contains(value)
    else { return nil }
    let parameters = operands.dropFirst() + recording.operands(of: value).dropFirst()
    // The statistics are none of those that can be targets.
    guard parameters.allSatisfy(recording.isParameter),
      parameters.contains(where: targets.contains),
      !operands[3...].contains(where: targets.contains)
    else { return nil }
    return value
  }

  /// Walks back through a normalisation to the convolution before it, with the gradients by the
  /// weights of both in one.
  private mutating func through(
    _ convolution: ValueID, _ normalization: ValueID, _ primitive: any Primitive,
    _ cotangent: ValueID
  ) -> [(operand: ValueID, cotangent: ValueID)] {
    guard let base = recording.primitive(of: convolution) else { return [] }
    folded.append(
      FoldedGradient(
        convolution: convolution, normalization: normalization,
        weight: weightGradient(cotangent, through: convolution, base),
        sum: pulledBack(cotangent, through: normalization, primitive, position: 2)))
    guard active[recording.operands(of: convolution)[0].index] else { return [] }
    return [
      (convolution, pulledBack(cotangent, through: normalization, primitive, position: 0))
    ]
  }
}
