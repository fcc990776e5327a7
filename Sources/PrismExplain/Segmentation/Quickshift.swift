internal import PrismRuntime
internal import PrismTensor

/// Quickshift: every pixel follows its nearest neighbour of higher density in colour and place, up
/// to a distance.
///
/// The definition and the order of sums are those of scikit-image's `quickshift`, which adds
/// normally distributed noise of 1e-5 to the densities to break ties; here the pixel that comes
/// first wins a tie instead, so that the two may differ where densities differ by less than the
/// noise. Definition: Vedaldi and Soatto, "Quick Shift and Kernel Methods for Mode Seeking", ECCV
/// 2008.
func quickshiftSegments(
  _ image: LabImage, kernelSize: Double, maximumDistance: Double, ratio: Double, work: Work
) throws -> Segmentation {
  let (height, width) = (image.height, image.width)
  let colors = image.values.map { $0 * ratio }
  let reach = Int((3 * kernelSize).rounded(.up))
  let factor = -0.5 / (kernelSize * kernelSize)
  let count = height * width
  var densities = [Double](repeating: 0, count: count)
  var parents = Array(0..<count)

  func squaredDistance(
    _ c: UnsafeBufferPointer<Double>, _ p: Int, _ q: Int, _ dy: Int, _ dx: Int
  ) -> Double {
    let (a, b, d) = (c[3 * p] - c[3 * q], c[3 * p + 1] - c[3 * q + 1], c[3 * p + 2] - c[3 * q + 2])
    return a * a + b * b + d * d + Double(dy * dy) + Double(dx * dx)
  }

  try colors.withUnsafeBufferPointer { c in
    for p in 0..<count {
      let (y, x) = (p / width, p % width)
      if x == 0 { try work.check() }
      var density = 0.0
      for other in max(y - reach, 0)..<min(y + reach + 1, height) {
        for column in max(x - reach, 0)..<min(x + reach + 1, width) {
          density += exponential(
            squaredDistance(c, p, other * width + column, y - other, x - column) * factor)
        }
      }
      densities[p] = density
    }
    for p in 0..<count {
      let (y, x) = (p / width, p % width)
      if x == 0 { try work.check() }
      var closest = Double.infinity
      for other in max(y - reach, 0)..<min(y + reach + 1, height) {
        for column in max(x - reach, 0)..<min(x + reach + 1, width) {
          let q = other * width + column
          let isHigher = densities[q] > densities[p] || (densities[q] == densities[p] && q < p)
          guard isHigher else { continue }
          let distance = squaredDistance(c, p, q, y - other, x - column)
          if distance < closest {
            closest = distance
            parents[p] = q
          }
        }
      }
      if closest.squareRoot() > maximumDistance { parents[p] = p }
    }
  }
  // Every chain of parents climbs in density and ends at a root.
  var isChanged = true
  while isChanged {
    isChanged = false
    for p in 0..<count where parents[parents[p]] != parents[p] {
      parents[p] = parents[parents[p]]
      isChanged = true
    }
  }
  return Segmentation(renumbering: parents, height: height, width: width)
}
