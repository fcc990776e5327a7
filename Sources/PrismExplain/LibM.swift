// The C library's functions under names that say what they are, on every platform.

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

func exponential(_ x: Double) -> Double { exp(x) }
func logarithm(_ x: Double) -> Double { log(x) }
func cosine(_ x: Double) -> Double { cos(x) }
func power(_ x: Double, _ y: Double) -> Double { pow(x, y) }
func cubeRoot(_ x: Double) -> Double { cbrt(x) }

/// The number that a normally distributed one stays below with a probability.
func normalQuantile(_ probability: Double) -> Double {
  // Halving is exact enough and needs no table; the distribution function is erfc's.
  var (low, high) = (-40.0, 40.0)
  while high - low > 1e-12 * max(1, abs(high)) {
    let middle = (low + high) / 2
    if erfc(-middle / 2.0.squareRoot()) / 2 < probability { low = middle } else { high = middle }
  }
  return (low + high) / 2
}
