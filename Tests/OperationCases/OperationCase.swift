public import PrismAutodiff
public import PrismTensor

/// One case of an operation: what drives its forward parity, its gradient check and its benchmark.
public struct OperationCase: Sendable, CustomStringConvertible {
  /// How an input is filled with random numbers.
  public enum Filling: Sendable {
    /// Evenly from −1 to 1.
    case signed
    /// Evenly from 0.25 to 2, for variances and logarithms.
    case positive
    /// Evenly from −8 to 8, but at least 0.05 away from the given points, where a derivative jumps.
    case avoiding([Float])
    /// Distinct numbers, at least 0.05 apart, for operations that compare their inputs.
    case distinct
    /// Numbers between those of `distinct`, for the other input of a comparison.
    case between
    /// Stated numbers, such as class indices; not differentiated.
    case fixed([Float])
  }

  /// What distinguishes the case from the operation's others.
  public let label: String
  /// The operation with its parameters.
  public let primitive: any Primitive
  /// The shapes of its inputs.
  public let inputs: [Shape]
  /// How each input is filled.
  public let fillings: [Filling]
  /// The number of products that are added into one output element; rounding errors grow with it.
  public let reduction: Int
  /// Whether finite differences make sense (a training-mode dropout, say, is checked otherwise).
  public let isDifferentiable: Bool
  /// The operation's definition, written naively and independently, in Double.
  public let reference: @Sendable ([Grid]) -> Grid

  /// Makes a case; inputs are filled evenly from −1 to 1 unless stated.
  public init(
    _ label: String, _ primitive: any Primitive, inputs: [Shape], fillings: [Filling]? = nil,
    reduction: Int = 1, isDifferentiable: Bool = true,
    reference: @escaping @Sendable ([Grid]) -> Grid
  ) {
    self.label = label
    self.primitive = primitive
    self.inputs = inputs
    self.fillings = fillings ?? inputs.map { _ in .signed }
    self.reduction = reduction
    self.isDifferentiable = isDifferentiable
    self.reference = reference
  }

  /// The operation, the label and the shapes.
  public var description: String {
    "\(primitive.name) \(label) on \(inputs.map(\.description).joined(separator: ", "))"
  }

  /// The case's inputs, the same at every call.
  public func makeInputs() -> [Tensor] {
    var random = SeededRandom(seed: 0x0123_4567_89AB_CDEF)
    return zip(inputs, fillings).map { shape, filling in
      switch filling {
      case .signed: return .uniform(shape, in: -1..<1, using: &random)
      case .positive: return .uniform(shape, in: 0.25..<2, using: &random)
      case .avoiding(let points):
        return Tensor.uniform(shape, in: -8..<8, using: &random).map { x in
          points.reduce(x) { abs($0 - $1) < 0.05 ? $1 + 0.1 : $0 }
        }
      case .distinct, .between:
        var steps = Array(0..<shape.count)
        steps.shuffle(using: &random)
        let shift: Float = if case .between = filling { 0.0125 } else { 0 }
        return Tensor(shape, steps.map { Float($0) * 0.05 - Float(shape.count) * 0.025 + shift })
      case .fixed(let scalars): return Tensor(shape, scalars)
      }
    }
  }

  /// The case's inputs repeated along the first axis: of the first input alone where the operation
  /// accepts it and its result grows no faster, else of all that share its length; as they are
  /// where it accepts neither.
  public func makeInputs(scale: Int) -> [Tensor] {
    let inputs = makeInputs()
    guard scale > 1, let first = inputs.first, first.shape.rank > 0 else { return inputs }
    let same = inputs.map { $0.shape.rank > 0 && $0.shape[0] == first.shape[0] }
    let sets = [inputs.indices.map { $0 == 0 }, same]
    let count = (try? primitive.outputShape(inputs.map(\.shape)).count) ?? 0
    for chosen in sets {
      let shapes = zip(inputs, chosen).map { input, isChosen in
        isChosen ? input.shape.replacing(axis: 0, with: input.shape[0] * scale) : input.shape
      }
      guard let output = try? primitive.outputShape(shapes), output.count <= count * scale else {
        continue
      }
      return zip(inputs, zip(shapes, chosen)).map { input, target in
        target.1 ? Self.repeated(input, as: target.0) : input
      }
    }
    return inputs
  }

  private static func repeated(_ tensor: Tensor, as shape: Shape) -> Tensor {
    tensor.withUnsafePointer { source in
      Tensor(uninitialized: shape) { target in
        for i in 0..<shape.count { target[i] = source[i % tensor.count] }
      }
    }
  }

  /// Which inputs are differentiated.
  public var wanted: [Bool] {
    fillings.map { if case .fixed = $0 { false } else { true } }
  }
}
