/// Numbers as people read them: the one home of their formatting.
public enum NumberText {
  /// A probability or a share, such as `99.82 %`.
  ///
  /// - Parameters:
  ///   - share: From 0 to 1.
  ///   - isAligned: Whether numbers below 100 are filled up with blanks at the left, for a column.
  /// - Returns: A dash for what is not a number.
  public static func percent(_ share: Double, isAligned: Bool = false) -> String {
    guard share.isFinite else { return "–" }
    let hundredths = Int((share * 10_000).rounded())
    let fraction = hundredths % 100
    let whole = "\(hundredths / 100)"
    let blanks = isAligned ? String(repeating: " ", count: max(0, 3 - whole.count)) : ""
    return blanks + whole + (fraction < 10 ? ".0\(fraction) %" : ".\(fraction) %")
  }

  /// A number with so many decimals, the sign as a hyphen.
  ///
  /// - Parameters:
  ///   - value: The number.
  ///   - digits: The decimals, from 1 to 9.
  /// - Returns: The text.
  public static func fixed(_ value: Double, digits: Int) -> String {
    guard value.isFinite, abs(value) < 1e9 else { return "\(value)" }
    let scale = (0..<digits).reduce(1) { product, _ in product * 10 }
    let units = Int((abs(value) * Double(scale)).rounded())
    let fraction = "\(units % scale)"
    return (value < 0 && units > 0 ? "-" : "") + "\(units / scale)."
      + String(repeating: "0", count: digits - fraction.count) + fraction
  }

  /// A measure with four decimals.
  public static func decimal(_ value: Double) -> String { fixed(value, digits: 4) }

  /// A number with so many significant digits.
  public static func significant(_ value: Double, digits: Int) -> String {
    guard value.isFinite, value != 0 else { return "\(value)" }
    var exponent = 0
    var magnitude = abs(value)
    while magnitude >= 10 { magnitude /= 10; exponent += 1 }
    while magnitude < 1 { magnitude *= 10; exponent -= 1 }
    var scale = 1.0
    for _ in 0..<abs(digits - 1 - exponent) { scale *= 10 }
    let rounded =
      exponent > digits - 1 ? (value / scale).rounded() * scale : (value * scale).rounded() / scale
    return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int(rounded))" : "\(rounded)"
  }

  /// A small time as it is shown, such as `< 1 ms`, `12 ms` or `3.4 s`.
  public static func seconds(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    if value < 0.001 { return "< 1 ms" }
    if value < 0.9995 { return "\(Int((1000 * value).rounded())) ms" }
    return value < 100 ? fixed(value, digits: 1) + " s" : duration(value)
  }

  /// What is left of a sum that should be zero, in which rounding errors mean nothing.
  public static func gap(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    return abs(value) < 1e-5 ? "< 0.00001" : significant(value, digits: 2)
  }

  /// A measure with three decimals, with a true minus sign; a dash for what is not known.
  public static func measure(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "–" }
    let text = fixed(value, digits: 3)
    return text.hasPrefix("-") ? "−" + text.dropFirst() : text
  }

  /// A time as it is shown, such as `1 h 5 min` or `12 s`.
  public static func duration(_ seconds: Double) -> String {
    let whole = Int(min(max(seconds, 0), 1e9).rounded())
    if whole >= 3600 { return "\(whole / 3600) h \(whole % 3600 / 60) min" }
    return whole >= 60 ? "\(whole / 60) min \(whole % 60) s" : "\(whole) s"
  }
}
