// The C library's functions under names that say what they are, on every platform.

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

func hyperbolicTangent(_ x: Float) -> Float { tanhf(x) }
func exponential(_ x: Double) -> Double { exp(x) }
func logarithm(_ x: Double) -> Double { log(x) }
func logarithm(onePlus x: Double) -> Double { log1p(x) }
