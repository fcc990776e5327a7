#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// `e^x` of the system, in double precision.
func exponential(_ x: Double) -> Double { exp(x) }

func errorFunction(_ x: Double) -> Double { erf(x) }
