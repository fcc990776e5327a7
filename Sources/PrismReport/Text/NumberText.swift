internal import Prism

/// Numbers as results show them; those that figures share are the library's own.
public enum NumberText {
  /// A probability or a share, such as `99.82 %`.
  ///
  /// - Parameters:
  ///   - share: From 0 to 1.
  ///   - isAligned: Whether numbers below 100 are filled up with blanks at the left, for a column.
  /// - Returns: A dash for what is not a number.
  public static func percent(_ share: Double, isAligned: Bool = false) -> String {
    guard share.isFinite else { return "–" }
    let text = Text.decimal(100 * share, decimals: 2)
    let blanks = isAligned ? String(repeating: " ", count: max(0, 6 - text.count)) : ""
    return blanks + text + " %"
  }

  /// A measure of an evaluation or of training, with four decimals.
  public static func decimal(_ value: Double) -> String { Text.decimal(value, decimals: 4) }

  /// A measure of a map with three decimals; a dash for what is not known.
  static func measure(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "–" }
    return Text.decimal(value, decimals: 3)
  }

  /// A time of a sound in seconds, with two decimals.
  static func time(_ seconds: Double) -> String { Text.decimal(seconds, decimals: 2) }

  /// A band of frequencies with two significant figures, which is what a spectrogram can tell.
  static func hertz(_ range: ClosedRange<Double>) -> String {
    func number(_ value: Double) -> String {
      Text.decimal(Text.rounded(value, figures: 2), decimals: 0)
    }
    return "\(number(range.lowerBound)) to \(number(range.upperBound)) Hz"
  }

  /// Below it, what is left of a sum that should be zero is rounding errors.
  static let leastGap = 1e-5

  /// What is left of a sum that should be zero, in which rounding errors mean nothing.
  static func gap(_ value: Double) -> String { Text.number(value, least: leastGap) }

  /// A long time as it is shown, such as `1 h 5 min` or `12 s`.
  public static func duration(_ seconds: Double) -> String {
    let whole = Int(min(max(seconds, 0), 1e9).rounded())
    if whole >= 3600 { return "\(whole / 3600) h \(whole % 3600 / 60) min" }
    return whole >= 60 ? "\(whole / 60) min \(whole % 60) s" : "\(whole) s"
  }
}
