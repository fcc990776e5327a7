/// A number as it is written: digits and where the point is among them.
///
/// Tensors come as many thousands of numbers in JSON. Those of the usual size become `Double` here,
/// without a text of their own and rounded as the standard library rounds them.
struct Decimal {
  /// The digits as a whole number.
  private(set) var digits: UInt64 = 0
  /// By which power of ten the digits are multiplied.
  var exponent = 0
  var isNegative = false
  /// Whether the digits and the exponent are all of the number.
  var isExact = true

  private var count = 0

  /// The most digits that always fit.
  private static let mostDigits = 19
  /// The powers of ten that fit.
  private static let powers: [UInt64] = (0...mostDigits).map { power in
    (0..<power).reduce(1) { product, _ in product * 10 }
  }

  /// Adds a digit at the end.
  mutating func append(_ digit: UInt8) {
    guard count < Self.mostDigits else {
      isExact = false
      return
    }
    digits = digits &* 10 &+ UInt64(digit)
    if digits > 0 { count += 1 }
  }

  /// The number, where it is a whole one that is certain to fit.
  var integer: Int? {
    guard isExact, exponent == 0, digits < 1 << 62 else { return nil }
    return isNegative ? -Int(digits) : Int(digits)
  }

  /// The nearest `Double`, where it can be told from the digits.
  var value: Double? {
    guard isExact, exponent <= 0, -exponent < Self.powers.count else { return nil }
    let size = Self.quotient(digits, Self.powers[-exponent])
    return isNegative ? -size : size
  }

  /// The nearest `Double` to the quotient of two whole numbers, to the even one of two.
  private static func quotient(_ dividend: UInt64, _ divisor: UInt64) -> Double {
    // Both are exact as Double, so that their quotient is rounded once.
    let exact: UInt64 = 1 << 53
    if dividend <= exact, divisor <= exact { return Double(dividend) / Double(divisor) }
    let (up, down) = (dividend.leadingZeroBitCount, divisor.leadingZeroBitCount)
    let (high, divisor) = (dividend << up, divisor << down)
    let (quotient, rest) = divisor.dividingFullWidth((high >> 1, high << 63))
    // The quotient of 63 or 64 bits is rounded to 53.
    let surplus = 11 - quotient.leadingZeroBitCount
    let half: UInt64 = 1 << (surplus - 1)
    let lower = quotient & (half << 1 - 1)
    var rounded = quotient >> surplus
    if lower > half || lower == half && (rest > 0 || rounded & 1 == 1) { rounded += 1 }
    let power = surplus - 63 + down - up
    return Double(rounded) * Double(sign: .plus, exponent: power, significand: 1)
  }
}
