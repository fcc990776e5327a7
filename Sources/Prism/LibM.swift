#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

func exponential(_ x: Double) -> Double { exp(x) }
