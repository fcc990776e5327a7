package import PrismTensor

/// The walk back through one operation, as an operation of its own: the cotangent of one of its
/// inputs from the cotangent of its output.
///
/// Its inputs are the cotangent and what the pullback reads of the evaluation, in the order of
/// ``reads``.
package struct Pullback: Primitive {
  /// What a pullback reads of the evaluation.
  package struct Reads: Sendable {
    /// The positions of the operation's inputs.
    package let inputs: [Int]
    /// Whether its output is read, after the inputs.
    package let output: Bool
  }

  /// The operation.
  package let base: any Primitive
  /// The value that the operation computes.
  package let value: ValueID
  /// The position of the input whose cotangent is computed.
  package let position: Int
  /// What is read.
  package let reads: Reads
  /// Whether rectifiers let nothing pass where the cotangent or their input is not positive.
  package let isGuided: Bool
  private let inputShapes: [Shape]
  private let resultShape: Shape

  /// Makes the walk back through the operation that computes a value.
  ///
  /// - Parameters:
  ///   - value: What a primitive of the recording computes.
  ///   - base: The primitive.
  ///   - position: The input whose cotangent is computed.
  ///   - recording: Has the value and its operands.
  ///   - isGuided: Whether rectifiers follow the rule of guided backpropagation.
  package init(
    _ value: ValueID, _ base: any Primitive, position: Int, in recording: Recording, isGuided: Bool
  ) {
    self.init(
      value, base, position: position,
      inputs: recording.operands(of: value).map { recording[$0].shape },
      result: recording[value].shape, isGuided: isGuided)
  }

  /// Makes the walk back through the operation that computes a value.
  ///
  /// - Parameters:
  ///   - value: What the operation computes.
  ///   - base: The operation.
  ///   - position: The input whose cotangent is computed.
  ///   - inputs: The shapes of the operation's inputs.
  ///   - result: The shape of the value.
  ///   - isGuided: Whether rectifiers follow the rule of guided backpropagation.
  init(
    _ value: ValueID, _ base: any Primitive, position: Int, inputs: [Shape], result: Shape,
    isGuided: Bool = false
  ) {
    self.value = value
    self.base = base
    self.position = position
    if case .rectifier = base.nature { self.isGuided = isGuided } else { self.isGuided = false }
    inputShapes = inputs
    resultShape = result
    reads = Self.reads(base, position: position, inputs: inputs.count)
  }

  /// What a pullback reads: of an operation that is linear in the input nothing but the others.
  static func reads(_ base: any Primitive, position: Int, inputs: Int) -> Reads {
    switch base {
    case is any ConvolutionPrimitive where position > 0, is FullyConnected where position > 0:
      return Reads(inputs: position == 1 ? [0] : [], output: false)
    case is BatchNormalization where position == 1: return Reads(inputs: [0, 3, 4], output: false)
    case is BatchNormalization where position == 2, is Add where position > 0:
      return Reads(inputs: [], output: false)
    case is Sigmoid, is ReLU, is ReLU6: return Reads(inputs: [], output: true)
    case is SiLU, is HardSwish, is HardSigmoid, is GELU: return Reads(inputs: [0], output: false)
    case is Multiply: return Reads(inputs: [1 - position], output: false)
    default: break
    }
    switch base.nature {
    case .linear where position == 0, .rearrangement:
      return Reads(inputs: (0..<inputs).filter { $0 != position }, output: false)
    default: return Reads(inputs: Array(0..<inputs), output: true)
    }
  }

  /// The operation's name with what is done to it.
  package var name: String { "\(base.name)Pullback" }

  /// Nothing that rules need to know.
  package var nature: Nature { .other }

  /// That of the operation where it takes number by number.
  package var reach: Reach {
    base is any ElementwisePrimitive ? .pointwise : .everywhere
  }

  /// The shape of the input whose cotangent it is.
  ///
  /// - Throws: ``ShapeError`` where the first input is not shaped like the operation's output.
  package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    guard inputs.first == resultShape else {
      throw ShapeError(name, inputs, "the cotangent needs the shape \(resultShape)")
    }
    return inputShapes[position]
  }

  /// The cotangent of the input.
  package func forward(_ given: [Tensor]) -> Tensor {
    var cotangent = given[0]
    var inputs = inputShapes.map { _ in Tensor?.none }
    for (index, tensor) in zip(reads.inputs, given.dropFirst()) { inputs[index] = tensor }
    let output = reads.output ? given[given.count - 1] : Tensor(resultShape)
    if isGuided, let x = inputs[0] {
      cotangent = cotangent.zip(x) { $1 > 0 ? max($0, 0) : 0 }
    }
    // What is not read has its shape alone.
    let tensors = zip(inputs, inputShapes).map { $0 ?? Tensor($1) }
    let wanted = inputShapes.indices.map { $0 == position }
    let results = base.pullback(cotangent, inputs: tensors, output: output, wanted: wanted)
    return results[position] ?? Tensor(inputShapes[position])
  }

  /// None: nothing walks back twice.
  package func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] { inputs.map { _ in nil } }

  /// About those of the operation.
  package func flops(_ inputs: [Shape], output: Shape) -> Int {
    base.flops(inputShapes, output: resultShape)
  }

  /// That of the operation, and what is not read.
  package func scratchSize(_ inputs: [Shape], output: Shape) -> Int {
    inputShapes.reduce(base.scratchSize(inputShapes, output: resultShape)) { $0 + $1.count }
      + 2 * resultShape.count
  }
}
