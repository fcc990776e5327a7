package import PrismTensor

/// A recording with the walk back from its output written down after it, as operations like any
/// other: whoever computes a recording fast computes gradients fast.
///
/// The values of the recording keep their identifiers. Operations of the walk back read of the
/// forward pass only what their pullback needs.
package struct ReversedRecording {
  /// The forward pass and the walks back.
  package let recording: Recording
  /// The inputs that take the cotangents of the output, one for each walk.
  package let cotangents: [ValueID]
  /// The gradients at the target, one for each walk.
  package let gradients: [ValueID]

  /// Writes down walks back, or `nil` where the output does not depend on the target.
  ///
  /// - Parameters:
  ///   - recording: The forward pass.
  ///   - output: Where the walks begin.
  ///   - target: Where they end.
  ///   - count: How many there are, each with a cotangent of its own.
  ///   - isGuided: Whether rectifiers follow the rule of guided backpropagation.
  package init?(
    _ recording: Recording, of output: ValueID, at target: ValueID, count: Int,
    isGuided: Bool = false
  ) {
    var writer = Writer(recording, of: output, at: target, isGuided: isGuided)
    var cotangents: [ValueID] = []
    var gradients: [ValueID] = []
    for _ in 0..<count {
      let cotangent = writer.add(.input, recording[output].shape)
      guard let gradient = writer.walk(from: cotangent) else { return nil }
      cotangents.append(cotangent)
      gradients.append(gradient)
    }
    self.recording = recording.appending(writer.entries)
    self.cotangents = cotangents
    self.gradients = gradients
  }
}

/// Writes down the operations of walks back.
private struct Writer {
  private let recording: Recording
  private let output: ValueID
  private let target: ValueID
  private let isGuided: Bool
  private let active: [Bool]
  private let path: [ValueID]
  private var userCounts: [Int]
  /// Where rectifiers are active, by their outputs; the same for all walks.
  private var activities: [ValueID: ValueID] = [:]
  private(set) var entries: [Recording.Entry] = []

  init(_ recording: Recording, of output: ValueID, at target: ValueID, isGuided: Bool) {
    self.recording = recording
    self.output = output
    self.target = target
    self.isGuided = isGuided
    active = recording.activity(from: [target], to: output)
    path = recording.path(active)
    userCounts = [Int](repeating: 0, count: recording.values.count)
    for id in recording.ancestors(of: [output]) {
      for operand in recording.operands(of: id) { userCounts[operand.index] += 1 }
    }
  }

  mutating func add(_ origin: Recording.Origin, _ shape: Shape) -> ValueID {
    entries.append(Recording.Entry(origin: origin, shape: shape))
    return ValueID(index: recording.values.count + entries.count - 1)
  }

  private mutating func add(
    _ primitive: any Primitive, _ operands: [ValueID], _ shape: Shape
  ) -> ValueID {
    add(.computed(primitive, operands), shape)
  }

  /// The value that is the gradient at the target.
  mutating func walk(from cotangent: ValueID) -> ValueID? {
    var cotangents = [output: cotangent]
    for id in path.reversed() {
      guard let cotangent = cotangents.removeValue(forKey: id) else { continue }
      for (operand, found) in step(back: cotangent, through: id) {
        if let known = cotangents[operand] {
          cotangents[operand] = add(Add(), [known, found], recording[operand].shape)
        } else {
          cotangents[operand] = found
        }
      }
    }
    return cotangents[target]
  }

  /// The cotangents of an operation's operands.
  private mutating func step(
    back cotangent: ValueID, through id: ValueID
  ) -> [(operand: ValueID, cotangent: ValueID)] {
    guard let primitive = recording.primitive(of: id) else { return [] }
    if let (normalization, value) = normalization(before: id) {
      return [through(normalization, value, cotangent)]
    }
    return recording.operands(of: id).enumerated().filter { active[$0.element.index] }.map {
      ($0.element, pulledBack(cotangent, through: id, primitive, position: $0.offset))
    }
  }

  private mutating func pulledBack(
    _ cotangent: ValueID, through id: ValueID, _ primitive: any Primitive, position: Int
  ) -> ValueID {
    let operands = recording.operands(of: id)
    let shape = recording[operands[position]].shape
    let result = recording[id].shape
    switch primitive {
    case is Add where shape == result: return cotangent
    case is Subtract where shape == result && position == 0: return cotangent
    case is AdaptiveAveragePool where shape == result: return cotangent
    case is Multiply where shape == result:
      return add(Multiply(), [cotangent, operands[1 - position]], shape)
    case is ReLU, is ReLU6:
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
      let value = recording.operands(of: relu).first, value != target,
      userCounts[value.index] == 1,
      let primitive = recording.primitive(of: value) as? BatchNormalization
    else { return nil }
    let operands = recording.operands(of: value)
    guard recording[value].shape.rank == 4, active[operands[0].index],
      operands.dropFirst().allSatisfy(recording.isParameter)
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
}
