import PrismAutodiff
import PrismTensor

private func unary(
  _ label: String, _ primitive: any Primitive, _ filling: OperationCase.Filling,
  shape: Shape = [2, 3, 4, 5], _ function: @escaping @Sendable (Double) -> Double
) -> OperationCase {
  // Elementary functions err by a few units; eight products' worth of rounding covers them.
  OperationCase(label, primitive, inputs: [shape], fillings: [filling], reduction: 8) {
    $0[0].map(function)
  }
}

private func binary(
  _ label: String, _ primitive: any Primitive, _ a: Shape, _ b: Shape,
  _ function: @escaping @Sendable (Double, Double) -> Double
) -> OperationCase {
  OperationCase(label, primitive, inputs: [a, b]) { naiveBroadcast($0[0], $0[1], function) }
}

/// NumPy's rule by indices: an axis that is missing or has extent 1 is read at 0.
package func naiveBroadcast(_ a: Grid, _ b: Grid, _ function: (Double, Double) -> Double) -> Grid {
  let rank = max(a.shape.rank, b.shape.rank)
  func extent(_ grid: Grid, _ axis: Int) -> Int {
    let own = axis - (rank - grid.shape.rank)
    return own < 0 ? 1 : grid.shape[own]
  }
  var result = Grid(Shape((0..<rank).map { max(extent(a, $0), extent(b, $0)) }))
  func read(_ grid: Grid, _ flat: Int) -> Double {
    var (rest, offset, stride) = (flat, 0, 1)
    for axis in (0..<rank).reversed() {
      let index = rest % result.shape[axis]
      rest /= result.shape[axis]
      offset += (extent(grid, axis) == 1 ? 0 : index) * stride
      stride *= extent(grid, axis)
    }
    return grid.values[offset]
  }
  for i in result.values.indices { result.values[i] = function(read(a, i), read(b, i)) }
  return result
}

/// What the mask drops is the definition: the numbers of the seed's stream that are less than the
/// rate.
private func dropout(rate: Float, seed: UInt64) -> OperationCase {
  OperationCase(
    "rate \(rate)", Dropout(rate: rate, seed: seed), inputs: [[3, 5, 7]], fillings: [.avoiding([])],
    reduction: 8
  ) { inputs in
    var result = inputs[0]
    let random = CounterRandom(seed: seed)
    for i in result.values.indices {
      let number = Double(random.bits(i) >> 40) / 0x1p24
      result.values[i] = number < Double(rate) ? 0 : result.values[i] / (1 - Double(rate))
    }
    return result
  }
}

extension OperationCase {
  /// Activations.
  public static let activation: [OperationCase] = [
    unary("", ReLU(), .avoiding([0])) { max($0, 0) },
    unary("of a scalar", ReLU(), .avoiding([0]), shape: []) { max($0, 0) },
    unary("", ReLU6(), .avoiding([0, 6])) { min(max($0, 0), 6) },
    unary("", Sigmoid(), .avoiding([])) { 1 / (1 + exponential(-$0)) },
    unary("", SiLU(), .avoiding([])) { $0 / (1 + exponential(-$0)) },
    unary("", Tanh(), .avoiding([])) { hyperbolicTangent($0) },
    unary("", HardSigmoid(), .avoiding([-3, 3])) {
      min(max(Double(Float(1) / 6) * $0 + 0.5, 0), 1)
    },
    unary("of Keras 2", HardSigmoid(slope: 0.2, offset: 0.5), .avoiding([-2.5, 2.5])) {
      min(max(Double(Float(0.2)) * $0 + 0.5, 0), 1)
    },
    unary("", HardSwish(), .avoiding([-3, 3])) { $0 * min(max($0 + 3, 0), 6) / 6 },
    unary("", GELU(), .avoiding([])) { 0.5 * $0 * (1 + errorFunction($0 / 2.0.squareRoot())) },
    unary("by tanh", GELU(approximation: .tanh), .avoiding([])) { x in
      let inner = (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
      return 0.5 * x * (1 + hyperbolicTangent(inner))
    },
    unary("", ErrorFunction(), .avoiding([])) { errorFunction($0) },
    unary("", ELU(), .avoiding([0])) { $0 > 0 ? $0 : exponential($0) - 1 },
    unary("of half", ELU(alpha: 0.5), .avoiding([0])) { $0 > 0 ? $0 : 0.5 * (exponential($0) - 1) },
    unary("", LeakyReLU(slope: 0.25), .avoiding([0])) { $0 > 0 ? $0 : 0.25 * $0 },
    unary("", Clip(low: -1, high: 2), .avoiding([-1, 2])) { min(max($0, -1), 2) },
    unary("from below", Clip(low: 0.5), .avoiding([0.5])) { max($0, 0.5) },
    unary("", Softplus(), .avoiding([])) { logarithm(1 + exponential($0)) },
    unary("", Exponential(), .signed) { exponential($0) },
    unary("", Logarithm(), .positive) { logarithm($0) },
    unary("", SquareRoot(), .positive) { $0.squareRoot() },
    unary("", Absolute(), .avoiding([0])) { abs($0) },
    unary("of two", Power(exponent: 2), .signed) { $0 * $0 },
    unary("of a fraction", Power(exponent: 0.5), .positive) { $0.squareRoot() },
    OperationCase(
      "", PReLU(), inputs: [[2, 3, 4, 5], [5]], fillings: [.avoiding([0]), .signed], reduction: 8
    ) { naiveBroadcast($0[0], $0[1]) { max($0, 0) + $1 * min($0, 0) } },
    dropout(rate: 0.25, seed: 7), dropout(rate: 0, seed: 7), dropout(rate: 0.9, seed: 8),
  ]

  /// Arithmetic with broadcasting.
  public static let arithmetic: [OperationCase] =
    shapePairs.flatMap { label, a, b in
      [
        binary(label, Add(), a, b) { $0 + $1 },
        binary(label, Subtract(), a, b) { $0 - $1 },
        binary(label, Multiply(), a, b) { $0 * $1 },
        OperationCase(
          label, Divide(), inputs: [a, b], fillings: [.signed, .positive], reduction: 4
        ) {
          naiveBroadcast($0[0], $0[1]) { $0 / $1 }
        },
        OperationCase(label, Maximum(), inputs: [a, b], fillings: [.distinct, .between]) {
          naiveBroadcast($0[0], $0[1]) { max($0, $1) }
        },
        OperationCase(label, Minimum(), inputs: [a, b], fillings: [.distinct, .between]) {
          naiveBroadcast($0[0], $0[1]) { min($0, $1) }
        },
      ]
    }

  private static let shapePairs: [(String, Shape, Shape)] = [
    ("one shape", [2, 3, 4, 5], [2, 3, 4, 5]),
    ("a channel row", [2, 3, 4, 5], [5]),
    ("a row first", [5], [2, 3, 4, 5]),
    ("an image's scale", [2, 3, 4, 5], [2, 1, 1, 5]),
    ("a pixel's scale", [2, 3, 4, 5], [2, 3, 4, 1]),
    ("a scalar", [3, 4], []),
    ("two scalars", [], []),
    ("both broadcast", [2, 1, 4, 1], [3, 1, 5]),
    ("both broadcast within", [1, 3, 1, 5], [2, 3, 4, 1]),
    ("ones", [1, 1], [1, 1, 1]),
  ]
}
