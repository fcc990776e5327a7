internal import PrismFiles

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Round numbers along a scale, and how they are written.
struct Ticks: Equatable {
  struct Tick: Equatable {
    /// From 0 at the lower end of the scale to 1 at the upper.
    var position: Double
    var label: String
  }

  var ticks: [Tick]
  /// The power of ten that all labels are to be multiplied by, as `×10⁻³`; empty for none.
  var factor: String

  /// Chooses about `count` multiples of 1, 2 or 5 times a power of ten.
  init(from lower: Double, to upper: Double, count: Int) {
    let largest = max(abs(lower), abs(upper))
    guard lower < upper, largest.isFinite else {
      self.init(ticks: [], factor: "")
      return
    }
    let magnitude = Int(log10(largest).rounded(.down))
    let exponent = (-2...4).contains(magnitude) ? 0 : magnitude
    // In two steps: the power of the smallest numbers is not itself a number that can be divided
    // by.
    let half = exponent / 2
    func scaled(_ x: Double) -> Double {
      x / pow(10, Double(half)) / pow(10, Double(exponent - half))
    }
    let (low, high) = (scaled(lower), scaled(upper))

    let rough = (high - low) / Double(max(count, 1))
    let power = Int(log10(rough).rounded(.down))
    let unit = pow(10, Double(power))
    let multiple: Double =
      rough / unit <= 1.42 ? 1 : rough / unit <= 3.17 ? 2 : rough / unit <= 7.08 ? 5 : 10
    let step = multiple * unit
    let decimals = max(0, multiple == 10 ? -power - 1 : -power)
    let first = Int((low / step - 1e-6).rounded(.up))
    let last = Int((high / step + 1e-6).rounded(.down))
    let ticks = (first...max(first, last)).map { i in
      Tick(
        position: min(max((Double(i) * step - low) / (high - low), 0), 1),
        label: Text.decimal(Double(i) * step, decimals: decimals))
    }
    self.init(ticks: ticks, factor: exponent == 0 ? "" : "×10" + Text.superscript(exponent))
  }

  private init(ticks: [Tick], factor: String) {
    self.ticks = ticks
    self.factor = factor
  }
}
