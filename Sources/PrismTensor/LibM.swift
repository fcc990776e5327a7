// The C library's functions under names that say what they are, on every platform.

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

package func hyperbolicTangent(_ x: Float) -> Float { tanhf(x) }
package func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }
package func exponential(_ x: Double) -> Double { exp(x) }
package func logarithm(_ x: Double) -> Double { log(x) }
package func logarithm(onePlus x: Double) -> Double { log1p(x) }
package func power(_ x: Double, _ y: Double) -> Double { pow(x, y) }
package func cubeRoot(_ x: Double) -> Double { cbrt(x) }
package func sine(_ x: Double) -> Double { sin(x) }
package func cosine(_ x: Double) -> Double { cos(x) }
package func exponential(_ x: Float) -> Float { expf(x) }
package func exponentialLessOne(_ x: Float) -> Float { expm1f(x) }
package func logarithm(_ x: Float) -> Float { logf(x) }
package func logarithm(onePlus x: Float) -> Float { log1pf(x) }
package func power(_ x: Float, _ y: Float) -> Float { powf(x, y) }
package func logGamma(_ x: Double) -> Double { lgamma(x) }
package func errorFunction(_ x: Double) -> Double { erf(x) }
package func complementaryErrorFunction(_ x: Double) -> Double { erfc(x) }
