/// The means, over all subsets of each size, of a product that has one factor a segment: `1 + a`
/// for a segment in the subset, `1 − a` for one that is not, where a is the segment's share.
///
/// The sums over all subsets are the coefficients of a polynomial, and there are 10²³ subsets of
/// half of 80 segments: what is taken off such a sum loses what the small sizes have. Means stay
/// within the product's own range at every size, and so does what rounding leaves of them.
struct SubsetMeans {
  /// The means by size.
  let means: [Double]
  private let shares: [Double]

  /// Computes the means.
  ///
  /// - Parameter shares: One number a segment, between −1 and 1.
  init(shares: [Double]) {
    self.shares = shares
    let d = shares.count
    var means = [Double](repeating: 0, count: d + 1)
    means[0] = 1
    for (k, share) in shares.enumerated() {
      // The chance that the last of some segments is in a subset of theirs is its size over their
      // number.
      let count = Double(k + 1)
      for s in stride(from: k + 1, through: 1, by: -1) {
        let isIn = Double(s) / count
        means[s] = (1 - share) * (1 - isIn) * means[s] + (1 + share) * isIn * means[s - 1]
      }
      means[0] *= 1 - share
    }
    self.means = means
  }

  /// The means over the subsets that hold a segment, by size; 0 for the empty one.
  ///
  /// They are found from both ends, each up to the size from which errors would grow.
  ///
  /// - Parameters:
  ///   - segment: The segment.
  ///   - result: Where the means go, one more than segments.
  func holding(_ segment: Int, into result: inout [Double]) {
    let (d, share) = (shares.count, shares[segment])
    let (on, off, n) = (1 + share, 1 - share, Double(d))
    // First the means over subsets of the other segments, one place further up.
    let turn = min(Int(n * off / 2), d - 1)
    result[0] = 0
    var last = means[0] / off
    result[1] = last
    for s in stride(from: 1, through: turn, by: 1) {
      let size = Double(s)
      last = (n * means[s] - on * size * last) / (off * (n - size))
      result[s + 1] = last
    }
    if turn < d - 1 {
      last = means[d] / on
      result[d] = last
      for s in stride(from: d - 1, to: turn + 1, by: -1) {
        let size = Double(s)
        last = (n * means[s] - off * (n - size) * last) / (on * size)
        result[s] = last
      }
    }
    for s in 1...d { result[s] *= on }
  }
}
