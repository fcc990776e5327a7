/// A linear model of the outputs whose features are segments being on or off, one for every target.
struct SurrogateFit {
  /// One number a segment, for every target.
  let values: [[Double]]
  /// The number where all segments are off.
  let intercepts: [Double]
  /// The weighted R².
  private(set) var scores: [Double] = []
  /// Whether a target's outputs are the same for all samples.
  private(set) var isConstant: [Bool] = []
  /// What the model leaves, one row a sample.
  private(set) var residuals: [Double]
  /// The standard errors of the values.
  var standardErrors: [[Double]] = []
  /// What a reader should know of the fit, for every target; empty where there is nothing.
  var notes: [[String]] = []

  /// Whether a target's values are certain, whatever they tell of the outputs: that of some segment is
  /// not zero by five standard errors, or all subsets were evaluated.
  func isSure(of target: Int) -> Bool {
    zip(values[target], standardErrors[target]).contains { value, error in
      value != 0 && abs(value) >= 5 * error
    }
  }

  /// Judges a model by the samples that it was fitted to.
  ///
  /// - Parameters:
  ///   - samples: The samples.
  ///   - scores: The outputs, one row a sample.
  ///   - values: One number a segment, for every target.
  ///   - intercepts: One number a target.
  ///   - centres: The outputs' weighted means.
  init(
    of samples: WeightedCoalitions, scores: [Double], values: [[Double]], intercepts: [Double],
    centres: [Double]
  ) {
    self.values = values
    self.intercepts = intercepts
    let (n, targets) = (samples.coalitions.count, values.count)
    residuals = [Double](repeating: 0, count: n * targets)
    for t in 0..<targets {
      var (unexplained, spread) = (0.0, 0.0)
      for sample in 0..<n {
        let (y, weight) = (scores[sample * targets + t], samples.weights[sample])
        let on = samples.coalitions.active(sample)
        let residual = y - on.reduce(intercepts[t]) { $0 + values[t][$1] }
        residuals[sample * targets + t] = residual
        unexplained += weight * residual * residual
        spread += weight * (y - centres[t]) * (y - centres[t])
      }
      // Of equal outputs that are not met there is no share to explain.
      self.scores.append(spread > 0 ? 1 - unexplained / spread : unexplained > 0 ? 0 : 1)
      isConstant.append(spread == 0)
    }
  }
}
