internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor

/// What a plan computes in one go: one primitive, or several that are fused around a convolution.
struct FusedOperation {
  /// The element-wise end of an operation.
  struct Tail {
    /// A function applied to the sum.
    var activation: Function = .identity
    /// A value that is added, before or after the function.
    var residual: ValueID?
    var addsAfterFunction = false
  }

  /// A function that kernels apply while they store.
  enum Function {
    case identity, relu, relu6, silu, sigmoid

    init?(_ primitive: any Primitive) {
      switch primitive {
      case is ReLU: self = .relu
      case is ReLU6: self = .relu6
      case is SiLU: self = .silu
      case is Sigmoid: self = .sigmoid
      default: return nil
      }
    }

    var epilogue: Epilogue {
      switch self {
      case .identity: .none
      case .relu: .relu
      case .relu6: .relu6
      case .silu: .silu
      case .sigmoid: .sigmoid
      }
    }
  }

  /// What happens to a convolution's input before it is multiplied.
  enum Head {
    case none
    /// A batch normalisation, named by its output, and whether a ReLU follows.
    case normalization(ValueID, relu: Bool)
    /// One factor a channel: a squeeze-and-excitation gate.
    case gate(ValueID)
  }

  /// The work.
  enum Kind {
    /// A convolution by its output, with the batch normalisation that is folded into its weights.
    case convolution(ValueID, folding: ValueID?, Head)
    case depthwise(ValueID, folding: ValueID?)
    case dense(ValueID)
    case normalization(ValueID, relu: Bool)
    case gate(ValueID, by: ValueID)
    case elementwise
    case product(ValueID)
    case maximumPool(SlidingWindow)
    case averagePool(SlidingWindow, countsPadding: Bool)
    case globalAverage
    case concatenation([ValueID])
    /// The same numbers under another shape.
    case view
    /// Whatever no kernel exists for.
    case primitive(any Primitive, [ValueID])
  }

  var kind: Kind
  /// The main input; operations with several inputs name them in their kind.
  var input: ValueID
  /// The value that is computed; what lies between is never stored.
  var output: ValueID
  var tail = Tail()

  /// Every value that is read.
  var operands: [ValueID] {
    let others: [ValueID]
    switch kind {
    case .convolution(_, _, .gate(let gate)): others = [gate]
    case .gate(_, let gate): others = [gate]
    case .product(let other): others = [other]
    case .concatenation(let operands), .primitive(_, let operands): others = operands
    default: others = []
    }
    return Array(Set([input] + others + (tail.residual.map { [$0] } ?? [])))
  }
}

/// Finds the operations of a recording that can be computed in one go.
struct Fusion {
  private let recording: Recording
  private let wanted: Set<ValueID>
  private var users: [[ValueID]]
  private var absorbed: Set<ValueID> = []
  private(set) var operations: [FusedOperation] = []

  // Values that are `wanted` must be stored as they are.
  init(_ recording: Recording, wanted: [ValueID]) {
    self.recording = recording
    self.wanted = Set(wanted)
    let needed = recording.ancestors(of: wanted)
    users = [[ValueID]](repeating: [], count: recording.values.count)
    for id in needed {
      for operand in recording.operands(of: id) { users[operand.index].append(id) }
    }
    let computed = needed.filter { recording.primitive(of: $0) != nil }
    // Convolutions first: what they absorb is no operation of its own.
    for id in computed {
      switch recording.primitive(of: id) {
      case let primitive as Convolution where canRun(primitive, id): fuse(convolution: id)
      case let primitive as DepthwiseConvolution where canRun(primitive.window, id):
        fuse(depthwise: id)
      case is PrismAutodiff.FullyConnected
      where recording.isParameter(recording.operands(of: id)[1]): fuse(dense: id)
      default: break
      }
    }
    for id in computed where !absorbed.contains(id) { addSingle(id) }
    operations.sort { $0.output < $1.output }
  }

  // MARK: - Around a convolution

  private mutating func fuse(convolution id: ValueID) {
    var operation = FusedOperation(
      kind: .view, input: recording.operands(of: id)[0], output: id)
    let folded = foldNormalization(after: &operation)
    let head = absorbHead(of: &operation)
    operation.kind = .convolution(id, folding: folded, head)
    finish(&operation, startingAt: id)
  }

  private mutating func fuse(depthwise id: ValueID) {
    var operation = FusedOperation(
      kind: .view, input: recording.operands(of: id)[0], output: id)
    let folded = foldNormalization(after: &operation)
    operation.kind = .depthwise(id, folding: folded)
    finish(&operation, startingAt: id)
  }

  private mutating func fuse(dense id: ValueID) {
    var operation = FusedOperation(
      kind: .dense(id), input: recording.operands(of: id)[0], output: id)
    finish(&operation, startingAt: id)
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
  private mutating func absorbHead(of operation: inout FusedOperation) -> FusedOperation.Head {
    let input = operation.input
    guard soleUser(of: input) != nil, !absorbed.contains(input) else { return .none }
    switch recording.primitive(of: input) {
    case is ReLU:
      let inner = recording.operands(of: input)[0]
      guard soleUser(of: inner) != nil, !absorbed.contains(inner),
        recording.primitive(of: inner) is BatchNormalization,
        isNormalization(inner, of: recording.operands(of: inner)[0])
      else { return .none }
      absorbed.formUnion([input, inner])
      operation.input = recording.operands(of: inner)[0]
      return .normalization(inner, relu: true)
    case is BatchNormalization where isNormalization(input, of: recording.operands(of: input)[0]):
      absorbed.insert(input)
      operation.input = recording.operands(of: input)[0]
      return .normalization(input, relu: false)
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
    guard let next = soleUser(of: operation.output), recording.primitive(of: next) is Add,
      !absorbed.contains(next)
    else { return }
    let operands = recording.operands(of: next)
    guard operands[0] != operands[1],
      operands.allSatisfy({ recording[$0].shape == recording[next].shape }),
      let other = operands.first(where: { $0 != operation.output }), !recording.isParameter(other)
    else { return }
    absorbed.insert(next)
    operation.tail.residual = other
    if case .identity = operation.tail.activation {
      operation.output = next
      absorbFunction(of: &operation)
    } else {
      operation.tail.addsAfterFunction = true
      operation.output = next
    }
  }

  private mutating func absorbFunction(of operation: inout FusedOperation) {
    guard let next = soleUser(of: operation.output), !absorbed.contains(next),
      let primitive = recording.primitive(of: next),
      let function = FusedOperation.Function(primitive)
    else { return }
    absorbed.insert(next)
    operation.tail.activation = function
    operation.output = next
  }

  // MARK: - Single operations

  private mutating func addSingle(_ id: ValueID) {
    guard let primitive = recording.primitive(of: id) else { return }
    let operands = recording.operands(of: id)
    var operation = FusedOperation(
      kind: .primitive(primitive, operands), input: operands[0], output: id)
    let shape = recording[id].shape
    switch primitive {
    case is BatchNormalization where isNormalization(id, of: operands[0]):
      var relu = false
      if let next = soleUser(of: id), recording.primitive(of: next) is ReLU,
        !absorbed.contains(next)
      {
        absorbed.insert(next)
        operation.output = next
        relu = true
      }
      operation.kind = .normalization(id, relu: relu)
    case is ReLU, is ReLU6, is SiLU, is Sigmoid:
      operation.kind = .elementwise
      operation.tail.activation = FusedOperation.Function(primitive) ?? .identity
    case is Add
    where operands.allSatisfy({ recording[$0].shape == shape && !recording.isParameter($0) }):
      operation.kind = .elementwise
      operation.tail.residual = operands[1]
    case is Multiply:
      if let (image, gate) = gateOperands(of: id) {
        operation.input = image
        operation.kind = .gate(image, by: gate)
      } else if operands.allSatisfy({
        recording[$0].shape == shape && !recording.isParameter($0)
      }) {
        operation.kind = .product(operands[1])
      }
    case let pool as MaxPool where canRun(pool.window, id):
      operation.kind = .maximumPool(pool.window)
    case let pool as AveragePool where canRun(pool.window, id):
      operation.kind = .averagePool(pool.window, countsPadding: pool.countsPadding)
    case let pool as AdaptiveAveragePool:
      let input = recording[operands[0]].shape
      if input[1] == pool.height, input[2] == pool.width { operation.kind = .view }
    case is GlobalAveragePool: operation.kind = .globalAverage
    case let concatenate as Concatenate
    where (concatenate.axis == -1 || concatenate.axis == shape.rank - 1) && shape.rank == 4
      && !operands.contains(where: recording.isParameter):
      operation.kind = .concatenation(operands)
    case is Reshape: operation.kind = .view
    default: break
    }
    operations.append(operation)
  }

  // MARK: - Questions

  /// The one value that is computed from a value, unless the value itself is wanted.
  private func soleUser(of id: ValueID) -> ValueID? {
    users[id.index].count == 1 && !wanted.contains(id) ? users[id.index][0] : nil
  }

  /// Whether a value is a batch normalisation of another with constant statistics.
  private func isNormalization(_ id: ValueID, of input: ValueID) -> Bool {
    guard recording.primitive(of: id) is BatchNormalization else { return false }
    let operands = recording.operands(of: id)
    return operands[0] == input && operands.dropFirst().allSatisfy(recording.isParameter)
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

  private func canRun(_ convolution: Convolution, _ id: ValueID) -> Bool {
    convolution.groups == 1 && canRun(convolution.window, id)
      && recording.operands(of: id).dropFirst().allSatisfy(recording.isParameter)
  }

  /// Whether the kernels take a window: no dilation, padding smaller than the kernel.
  private func canRun(_ window: SlidingWindow, _ id: ValueID) -> Bool {
    let isWeightConstant = recording.operands(of: id).dropFirst().allSatisfy(recording.isParameter)
    return isWeightConstant
      && [window.vertical, window.horizontal].allSatisfy { axis in
        axis.dilation == 1 && axis.before < axis.kernel && axis.after < axis.kernel
      }
  }
}
