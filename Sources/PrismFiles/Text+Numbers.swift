#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

// Numbers for people: no more digits than they are worth, and a true minus sign.
extension Text {
  /// A number with a fixed number of decimals.
  ///
  /// - Parameters:
  ///   - value: Any number; what is not finite, or beyond 10¹², is written as Swift does.
  ///   - decimals: From 0 to 6.
  /// - Returns: Such as `−12.30`.
  package static func decimal(_ value: Double, decimals: Int) -> String {
    guard value.isFinite, abs(value) < 1e12, decimals <= 6 else { return "\(value)" }
    var scale = 1
    for _ in 0..<decimals { scale *= 10 }
    let units = Int((abs(value) * Double(scale)).rounded())
    var text = String(units / scale)
    if decimals > 0 {
      let fraction = String(units % scale)
      text += "." + String(repeating: "0", count: decimals - fraction.utf8.count) + fraction
    }
    return value < 0 && units > 0 ? "−" + text : text
  }

  /// A number with three digits, as a power of ten where it is very large or very small.
  ///
  /// - Parameters:
  ///   - value: Any number.
  ///   - least: A magnitude below which nothing is known, such as that of rounding errors.
  /// - Returns: Such as `12.3`, `1.50 × 10⁻⁷` or `< 10⁻⁶`.
  package static func number(_ value: Double, least: Double = 0) -> String {
    guard value != 0, value.isFinite else { return value == 0 ? "0" : "\(value)" }
    if abs(value) < least {
      return "< 10" + superscript(Int(log10(least).rounded()))
    }
    var exponent = Int(log10(abs(value)).rounded(.down))
    // 9.996 has the three digits 10.0.
    if mantissa(of: abs(value), exponent: exponent) >= 9.995 { exponent += 1 }
    guard (-4..<6).contains(exponent) else {
      return decimal(mantissa(of: value, exponent: exponent), decimals: 2) + " × 10"
        + superscript(exponent)
    }
    return decimal(value, decimals: max(0, 2 - exponent))
  }

  /// A number divided by a power of ten, which may itself be too large or too small for a number.
  private static func mantissa(of value: Double, exponent: Int) -> Double {
    let half = exponent / 2
    return value / pow(10, Double(half)) / pow(10, Double(exponent - half))
  }

  /// A share as per cent with one decimal that never claims certainty.
  ///
  /// - Parameter share: From 0 to 1.
  /// - Returns: Such as `99.8 %` or `> 99.9 %`; nothing for what is not finite.
  package static func percent(_ share: Double) -> String {
    guard share.isFinite else { return "" }
    if share > 0.9995, share < 1 { return "> 99.9 %" }
    if share < 0.0005, share > 0 { return "< 0.1 %" }
    return decimal(100 * share, decimals: 1) + " %"
  }

  /// A duration as one would say it.
  ///
  /// - Parameter seconds: At least 0.
  /// - Returns: Such as `< 1 ms`, `12 ms`, `3.4 s` or `2 min 5 s`.
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0 else { return "" }
    if seconds < 0.001 { return "< 1 ms" }
    if seconds < 0.9995 { return decimal(1000 * seconds, decimals: 0) + " ms" }
    if seconds < 59.95 { return decimal(seconds, decimals: 1) + " s" }
    let whole = seconds.rounded()
    guard whole < 1e12 else { return "\(seconds) s" }
    return "\(Int(whole) / 60) min \(Int(whole) % 60) s"
  }

  /// A frequency with two significant figures, such as `440 Hz` or `3400 Hz`.
  package static func hertz(_ frequency: Double) -> String {
    "\(decimal(rounded(frequency, figures: 2), decimals: 0)) Hz"
  }

  /// A number with so many significant figures.
  package static func rounded(_ value: Double, figures: Int) -> Double {
    guard value.isFinite, value != 0 else { return value }
    var step = 1.0
    while abs(value) >= step * 10 { step *= 10 }
    while abs(value) < step { step /= 10 }
    for _ in 1..<max(figures, 1) { step /= 10 }
    // Divided by whole numbers where it can be, so that 0.1 is 0.1.
    return step < 1 ? (value * (1 / step)).rounded() / (1 / step) : (value / step).rounded() * step
  }

  /// A whole number as an exponent, such as `⁻⁷`.
  package static func superscript(_ number: Int) -> String {
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    return (number < 0 ? "⁻" : "")
      + String(String(abs(number)).compactMap(\.wholeNumberValue).map { digits[$0] })
  }
}
