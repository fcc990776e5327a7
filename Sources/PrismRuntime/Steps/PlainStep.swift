internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor

/// A primitive that no kernel exists for, computed as the recording does.
///
/// What looks at one pixel at a time is computed in blocks of pixels, which threads divide.
struct PlainStep: RegionStepKind {
  /// What the primitive is given.
  enum Operand: Sendable {
    /// One of the step's other values, and its shape.
    case value(Int, Shape)
    case parameter(Tensor)

    /// The shape of the operand.
    var shape: Shape {
      switch self {
      case .value(_, let shape): shape
      case .parameter(let tensor): tensor.shape
      }
    }
  }

  private let primitive: any Primitive
  private let operands: [Operand]
  private let output: Shape
  /// Whether every pixel of the output depends on the same pixel of the operands alone.
  private let isByPixels: Bool

  /// Makes the kind.
  ///
  /// - Parameters:
  ///   - primitive: What is computed.
  ///   - operands: What it is given.
  ///   - output: The shape of the result.
  init(_ primitive: any Primitive, operands: [Operand], output: Shape) {
    self.primitive = primitive
    self.operands = operands
    self.output = output
    isByPixels =
      primitive.reach == .pointwise && output.rank == 4
      && operands.allSatisfy { operand in
        if case .value(_, let shape) = operand, Self.isMap(shape, of: output) { return true }
        return operand.shape.count == (operand.shape.dimensions.last ?? 1)
      }
  }

  /// Whether a value has the pixels of another.
  private static func isMap(_ shape: Shape, of output: Shape) -> Bool {
    shape.rank == 4 && shape[1] == output[1] && shape[2] == output[2]
  }

  func label(of step: Step) -> String { "plain \(primitive.name) \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { isByPixels ? step.rowDivisions : 1 }

  /// The pixels that are computed at a time: few enough for a second-level cache.
  private var blockRows: Int { max(1, min(output[1] * output[2], (1 << 15) / output[3])) }

  /// The shape of an operand or the result for some pixels.
  private func part(_ shape: Shape, rows: Int) -> Shape {
    isByPixels && Self.isMap(shape, of: output) ? [1, rows, 1, shape[3]] : shape
  }

  func tensorSize(of step: Step) -> Int {
    let rows = isByPixels ? blockRows : 0
    let shapes = operands.map { part($0.shape, rows: rows) }
    let result = part(output, rows: rows)
    let copies = zip(operands, shapes).reduce(0) { sum, pair in
      if case .value = pair.0 { sum + pair.1.count } else { sum }
    }
    return copies + 2 * result.count + primitive.scratchSize(shapes, output: result)
  }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part share: Part) {
    guard isByPixels else { return execute(step, context, rows: 0..<step.output.rows) }
    execute(step, context, blocksOf: share.range(of: step.output.rows))
  }

  var computesAlone: Bool { isByPixels }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, over region: Region) {
    guard isByPixels else { return execute(step, context, rows: 0..<step.output.rows) }
    region.forEachRun { execute(step, context, blocksOf: $0) }
  }

  private func execute(_ step: Step, _ context: Context, blocksOf rows: Range<Int>) {
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: blockRows) {
      execute(step, context, rows: start..<min(start + blockRows, rows.upperBound))
    }
  }

  private func execute(_ step: Step, _ context: Context, rows: Range<Int>) {
    let tensors = operands.map { operand in
      switch operand {
      case .parameter(let tensor): tensor
      case .value(let index, let shape):
        tensor(
          step.others[index], part(shape, rows: rows.count), context,
          firstRow: isByPixels && Self.isMap(shape, of: output) ? rows.lowerBound : 0)
      }
    }
    let place = step.output
    primitive.forward(tensors).withUnsafePointer { source in
      copyRows(
        source, stride: place.channels,
        to: context.pointer(place) + rows.lowerBound * place.stride, stride: place.stride,
        rows: rows.count, channels: place.channels)
    }
  }

  private func tensor(
    _ place: Place, _ shape: Shape, _ context: Context, firstRow: Int
  ) -> Tensor {
    Tensor(uninitialized: shape) { target in
      copyRows(
        context.pointer(place) + firstRow * place.stride, stride: place.stride, to: target,
        stride: place.channels, rows: shape.count / max(place.channels, 1),
        channels: place.channels)
    }
  }
}
