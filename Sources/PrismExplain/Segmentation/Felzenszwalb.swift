internal import PrismRuntime
internal import PrismTensor

/// Efficient graph-based segmentation: neighbours join where their difference is small against what
/// is inside of both.
///
/// Definition and order are those of scikit-image 0.26: colours from 0 to 1 are smoothed by a
/// Gaussian, edges join the eight neighbours in the order of their cost; equal costs, whose order
/// scikit-image leaves to its sort, keep the order right, down, down right, up right. Parts smaller
/// than the minimum join a neighbour. Definition: Felzenszwalb and Huttenlocher, "Efficient
/// Graph-Based Image Segmentation", IJCV 2004.
func felzenszwalbSegments(
  _ colors: [Double], height: Int, width: Int, scale: Double, sigma: Double, minimumSize: Int,
  work: Work
) throws -> Segmentation {
  let smooth = gaussianBlurred(colors, height: height, width: width, channels: 3, sigma: sigma)
  var edges: [(cost: Double, order: Int, first: Int, second: Int)] = []
  func connect(_ y: Int, _ x: Int, _ otherY: Int, _ otherX: Int) {
    let (p, q) = (y * width + x, otherY * width + otherX)
    let square = (0..<3).reduce(0.0) {
      let d = smooth[3 * p + $1] - smooth[3 * q + $1]
      return $0 + d * d
    }
    edges.append((square.squareRoot(), edges.count, p, q))
  }
  for y in 0..<height { for x in 1..<max(width, 1) { connect(y, x, y, x - 1) } }
  for y in 1..<max(height, 1) { for x in 0..<width { connect(y, x, y - 1, x) } }
  for y in 1..<max(height, 1) { for x in 1..<max(width, 1) { connect(y, x, y - 1, x - 1) } }
  for y in 1..<max(height, 1) { for x in 1..<max(width, 1) { connect(y - 1, x, y, x - 1) } }
  try work.check()
  edges.sort { ($0.cost, $0.order) < ($1.cost, $1.order) }

  var forest = Array(0..<height * width)
  var sizes = [Int](repeating: 1, count: forest.count)
  var inside = [Double](repeating: 0, count: forest.count)
  func root(_ p: Int) -> Int {
    var p = p
    while forest[p] != p {
      forest[p] = forest[forest[p]]
      p = forest[p]
    }
    return p
  }
  /// Joins two trees under the smaller of their roots.
  func join(_ a: Int, _ b: Int) -> Int {
    let (low, high) = (min(a, b), max(a, b))
    forest[high] = low
    sizes[low] += sizes[high]
    return low
  }
  try work.check()
  let level = scale / 255
  for edge in edges {
    let (a, b) = (root(edge.first), root(edge.second))
    guard a != b else { continue }
    // scikit-image keeps these two in single precision.
    let limit = min(
      Float(inside[a] + level / Double(sizes[a])), Float(inside[b] + level / Double(sizes[b])))
    if edge.cost < Double(limit) { inside[join(a, b)] = edge.cost }
  }
  for edge in edges {
    let (a, b) = (root(edge.first), root(edge.second))
    if a != b, sizes[a] < minimumSize || sizes[b] < minimumSize { _ = join(a, b) }
  }
  return Segmentation(renumbering: forest.indices.map(root), height: height, width: width)
}

/// A channels-last image smoothed by a Gaussian: four deviations wide, edges repeated in mirror
/// image.
func gaussianBlurred(
  _ image: [Double], height: Int, width: Int, channels: Int, sigma: Double
) -> [Double] {
  let radius = Int(4 * sigma + 0.5)
  guard radius > 0 else { return image }
  var kernel = (-radius...radius).map { exponential(-0.5 * Double($0 * $0) / (sigma * sigma)) }
  let total = kernel.reduce(0, +)
  kernel = kernel.map { $0 / total }
  func mirrored(_ index: Int, _ count: Int) -> Int {
    let i = ((index % (2 * count)) + 2 * count) % (2 * count)
    return i < count ? i : 2 * count - 1 - i
  }
  func pass(_ source: [Double], _ place: (Int, Int, Int) -> Int) -> [Double] {
    var result = [Double](repeating: 0, count: source.count)
    for y in 0..<height {
      for x in 0..<width {
        for (k, weight) in kernel.enumerated() {
          let other = place(y, x, k - radius) * channels
          for c in 0..<channels {
            result[(y * width + x) * channels + c] += weight * source[other + c]
          }
        }
      }
    }
    return result
  }
  let down = pass(image) { y, x, k in mirrored(y + k, height) * width + x }
  return pass(down) { y, x, k in y * width + mirrored(x + k, width) }
}
