/// Points that fill a cube evenly: Sobol's sequence, in the order of Gray's code and without the
/// point at zero, not scrambled.
///
/// Definitions: Sobol, "On the Distribution of Points in a Cube and the Approximate Evaluation of
/// Integrals", USSR Computational Mathematics and Mathematical Physics 1967; the order of the
/// points is that of Antonov and Saleev, and the direction numbers are those of Joe and Kuo.
struct SobolSequence {
  /// The most dimensions that there are direction numbers for.
  static let dimensionLimit = 128
  /// The most points: so many bits has a coordinate.
  private static let bits = 30

  private let directions: [[UInt32]]
  private var state: [UInt32]
  private var index: UInt32 = 0

  /// Begins the sequence.
  ///
  /// - Parameter dimensions: From 1 to ``dimensionLimit``.
  /// - Throws: ``ExplanationError/parameter(_:_:)``.
  init(dimensions: Int) throws(ExplanationError) {
    guard (1...Self.dimensionLimit).contains(dimensions) else {
      throw .parameter("Sobol's sequence", "has from 1 to \(Self.dimensionLimit) dimensions")
    }
    directions = Array(Self.directions.prefix(dimensions))
    state = [UInt32](repeating: 0, count: dimensions)
  }

  /// The next point, each coordinate above 0 and below 1.
  mutating func next() -> [Float] {
    let bit = (~index).trailingZeroBitCount
    index += 1
    for d in state.indices { state[d] ^= directions[d][min(bit, Self.bits - 1)] }
    return state.map { Float(Double($0) / Double(1 << Self.bits)) }
  }

  private static let directions: [[UInt32]] = {
    let rows = table.split(whereSeparator: { $0 == ";" || $0 == "\n" }).map { row in
      row.split(separator: " ").compactMap { UInt32($0) }
    }
    let first = [UInt32](repeating: 1, count: bits)
    return ([first] + rows.filter { $0.count > 1 }.map(numbers)).map { row in
      row.enumerated().map { $1 << UInt32(bits - 1 - $0) }
    }
  }()

  /// All direction numbers of a dimension, by the recurrence of its polynomial.
  private static func numbers(_ row: [UInt32]) -> [UInt32] {
    let (polynomial, degree) = (row[0], row.count - 1)
    var numbers = Array(row.dropFirst())
    while numbers.count < bits {
      let i = numbers.count
      var number = numbers[i - degree]
      for k in 0..<degree where polynomial >> UInt32(degree - 1 - k) & 1 == 1 {
        number ^= numbers[i - k - 1] << UInt32(k + 1)
      }
      numbers.append(number)
    }
    return numbers
  }
}
