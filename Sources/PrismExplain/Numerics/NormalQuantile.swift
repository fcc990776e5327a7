internal import PrismTensor

/// The number that a normally distributed one stays below with a probability.
func normalQuantile(_ probability: Double) -> Double {
  // Halving is exact enough and needs no table.
  var (low, high) = (-40.0, 40.0)
  while high - low > 1e-12 * max(1, abs(high)) {
    let middle = (low + high) / 2
    if complementaryErrorFunction(-middle / 2.0.squareRoot()) / 2 < probability {
      low = middle
    } else {
      high = middle
    }
  }
  return (low + high) / 2
}
