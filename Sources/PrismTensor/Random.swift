/// SplitMix64: a seeded generator with one 64-bit word of state.
///
/// The same seed gives the same numbers on every machine. The state after `n` draws is `seed + n ·
/// γ`, so the `n`-th number can also be had directly (``CounterRandom``). Source: Steele, Lea and
/// Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
public struct SeededRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Makes a generator; equal seeds give equal sequences.
  public init(seed: UInt64) {
    state = seed
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    state &+= CounterRandom.gamma
    return CounterRandom.mix(state)
  }

  /// A number in `[0, 1)` with 24 random bits.
  public mutating func uniform() -> Float {
    Float(next() >> 40) * 0x1p-24
  }

  /// A normally distributed number with mean 0 and standard deviation 1 (Box and Muller, cosine
  /// branch).
  public mutating func normal() -> Float {
    let radius = Double(next() >> 11) * 0x1p-53
    let angle = Double(next() >> 11) * 0x1p-53
    return Float((-2 * logarithm(1 - radius)).squareRoot() * cosine(2 * .pi * angle))
  }
}

/// Random numbers addressed by name and index instead of drawn in order.
///
/// Used where two programs in two languages must agree on numbers without exchanging them: the seed
/// is the FNV-1a hash of a name, and the number at `index` is SplitMix64's output `index + 1`.
public struct CounterRandom: Sendable {
  @usableFromInline static let gamma: UInt64 = 0x9E37_79B9_7F4A_7C15
  @usableFromInline let seed: UInt64

  /// Makes the sequence that belongs to a seed.
  public init(seed: UInt64) {
    self.seed = seed
  }

  /// Makes the sequence that belongs to a name.
  public init(name: String) {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    seed = hash
  }

  /// The 64 random bits at an index.
  @inlinable
  public func bits(_ index: Int) -> UInt64 {
    Self.mix(seed &+ (UInt64(bitPattern: Int64(index)) &+ 1) &* Self.gamma)
  }

  /// The number in `[0, 1)` at an index, with 24 random bits.
  @inlinable
  public func uniform(_ index: Int) -> Double {
    Double(bits(index) >> 40) * 0x1p-24
  }

  @inlinable
  static func mix(_ state: UInt64) -> UInt64 {
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

extension Tensor {
  /// A tensor of numbers drawn evenly from a range.
  public static func uniform(
    _ shape: Shape, in range: Range<Float> = 0..<1, using random: inout SeededRandom
  ) -> Tensor {
    Tensor(shape) { target in
      for i in 0..<target.count {
        target[i] = range.lowerBound + (range.upperBound - range.lowerBound) * random.uniform()
      }
    }
  }

  /// A tensor of normally distributed numbers with mean 0 and standard deviation 1.
  public static func normal(_ shape: Shape, using random: inout SeededRandom) -> Tensor {
    Tensor(shape) { target in
      for i in 0..<target.count { target[i] = random.normal() }
    }
  }
}
