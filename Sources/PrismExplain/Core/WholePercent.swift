extension Double {
  /// A share in whole percent, in words, however large it is.
  var wholePercent: String {
    let percent = (100 * self).rounded()
    return abs(percent) < 1e15 ? "\(Int(percent)) %" : "\(Float(percent)) %"
  }
}
