internal import PrismTensor

/// The generator of NumPy's `RandomState`, for the modes that reproduce Python packages number for
/// number.
///
/// MT19937 with Knuth's initialisation. Source: Matsumoto and Nishimura, "Mersenne Twister", ACM
/// TOMACS 1998.
struct MersenneTwister {
  private var state: [UInt32]
  private var index = 624
  private var spare: Double?

  init(seed: UInt32) {
    state = [seed]
    for i in 1..<624 {
      let last = state[i - 1]
      state.append(1_812_433_253 &* (last ^ (last >> 30)) &+ UInt32(i))
    }
  }

  /// The next 32 random bits.
  mutating func next() -> UInt32 {
    if index == 624 { twist() }
    var y = state[index]
    index += 1
    y ^= y >> 11
    y ^= (y << 7) & 0x9D2C_5680
    y ^= (y << 15) & 0xEFC6_0000
    return y ^ (y >> 18)
  }

  private mutating func twist() {
    for i in 0..<624 {
      let y = (state[i] & 0x8000_0000) | (state[(i + 1) % 624] & 0x7FFF_FFFF)
      state[i] = state[(i + 397) % 624] ^ (y >> 1) ^ (y & 1 == 1 ? 0x9908_B0DF : 0)
    }
    index = 0
  }

  /// A number in `[0, 1)` with 53 random bits, as `random_sample` gives.
  mutating func uniform() -> Double {
    let (a, b) = (Double(next() >> 5), Double(next() >> 6))
    return (a * 67_108_864 + b) / 9_007_199_254_740_992
  }

  /// A normally distributed number, as `randn` gives (the polar method).
  mutating func normal() -> Double {
    if let number = spare {
      spare = nil
      return number
    }
    var (x, y, square) = (0.0, 0.0, 0.0)
    repeat {
      x = 2 * uniform() - 1
      y = 2 * uniform() - 1
      square = x * x + y * y
    } while square >= 1 || square == 0
    let factor = (-2 * logarithm(square) / square).squareRoot()
    spare = factor * x
    return factor * y
  }
}
