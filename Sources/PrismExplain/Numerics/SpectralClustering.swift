internal import PrismTensor

/// Groups of points that are neighbours of neighbours.
///
/// Every point is joined with its nearest neighbours by Euclid's distance; the graph `A` is the mean
/// of both directions. Of the normalised Laplacian `1 − D^−½ A D^−½` the eigenvectors of the least
/// eigenvalues, each point's numbers scaled to length 1, are grouped by k-means. How many groups
/// there are the eigenvalues tell: as many as come before the widest gap between two of them.
/// Definition: Ng, Jordan and Weiss, "On spectral clustering", NeurIPS 2001; von Luxburg, "A
/// tutorial on spectral clustering", Statistics and Computing 2007.
public struct SpectralClustering: Sendable {
  /// The most points that are grouped: the work grows with their third power.
  public static let limit = 2000

  /// The least eigenvalues of the Laplacian, ascending: one more than groups may be.
  public let eigenvalues: [Double]
  /// How many groups there are.
  public let count: Int
  /// The group of every point; the largest group is 0.
  public let labels: [Int]
  /// The mean distance of every point from its neighbours: large for outliers.
  public let distances: [Double]

  /// Groups points.
  ///
  /// - Parameters:
  ///   - points: All of one length, finite; at most ``limit``.
  ///   - neighbours: How many neighbours a point is joined with; `nil` for a fifth of the points,
  ///     from 3 to 10.
  ///   - wanted: How many groups; `nil` for what the eigenvalues tell.
  ///   - most: The most groups that eigenvalues may tell.
  ///   - seed: Selects where k-means begins.
  /// - Throws: ``ExplanationError`` where there are too many points, their lengths differ, or
  ///   LAPACK cannot be used.
  public init(
    _ points: [[Double]], neighbours: Int? = nil, count wanted: Int? = nil, most: Int = 8,
    seed: UInt64 = 0
  ) throws(ExplanationError) {
    let size = points.count
    guard size <= Self.limit else {
      throw .parameter("the points", "are more than \(Self.limit); draw some of them")
    }
    guard points.allSatisfy({ $0.count == points[0].count && $0.allSatisfy(\.isFinite) }) else {
      throw .parameter("the points", "must be finite and of one length")
    }
    let neighbours = min(max(neighbours ?? min(max(size / 5, 3), 10), 1), size - 1)
    // Nothing can be said of a handful.
    guard size > 3, neighbours >= 1 else {
      eigenvalues = []
      count = min(size, 1)
      labels = points.map { _ in 0 }
      distances = points.map { _ in 0 }
      return
    }
    let graph = Self.graph(points, neighbours: neighbours)
    distances = graph.distances
    guard let (values, vectors) = try eigenpairs(of: Self.laplacian(graph.affinity), size: size)
    else { throw .unsuitable("the eigenvalues of the maps' neighbourhoods cannot be found") }
    let shown = min(most + 1, size)
    eigenvalues = Array(values.prefix(shown))
    let gaps = (1..<shown).map { values[$0] - values[$0 - 1] }
    let told = (gaps.indices.max { (gaps[$0], $1) < (gaps[$1], $0) } ?? 0) + 1
    let groups = min(max(wanted ?? told, 1), size)
    count = groups
    let rows = (0..<size).map { point -> [Double] in
      let row = (0..<groups).map { vectors[$0 * size + point] }
      let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return length > 0 ? row.map { $0 / length } : row
    }
    labels = KMeans(rows, count: groups, seed: seed).labels
  }

  /// Who is whose neighbour, in both directions, and how far they are on average.
  private static func graph(
    _ points: [[Double]], neighbours: Int
  ) -> (affinity: [[Double]], distances: [Double]) {
    let size = points.count
    var affinity = [[Double]](repeating: [Double](repeating: 0, count: size), count: size)
    var distances = [Double](repeating: 0, count: size)
    for a in 0..<size {
      let own = (0..<size).map { KMeans.squaredDistance(points[a], points[$0]) }
      let nearest = (0..<size).filter { $0 != a }.sorted { (own[$0], $0) < (own[$1], $1) }
        .prefix(neighbours)
      distances[a] = nearest.reduce(0) { $0 + own[$1].squareRoot() } / Double(neighbours)
      for b in nearest {
        affinity[a][b] += 0.5
        affinity[b][a] += 0.5
      }
    }
    return (affinity, distances)
  }

  private static func laplacian(_ affinity: [[Double]]) -> [Double] {
    let roots = affinity.map { 1 / $0.reduce(0, +).squareRoot() }
    return affinity.indices.flatMap { a in
      affinity.indices.map { b in (a == b ? 1 : 0) - affinity[a][b] * roots[a] * roots[b] }
    }
  }
}

/// k-means with the start of k-means++, the best of ten.
struct KMeans {
  private static let runs = 10
  private static let steps = 100

  /// The group of every point; the largest group is 0.
  let labels: [Int]

  init(_ points: [[Double]], count: Int, seed: UInt64) {
    var best: (error: Double, labels: [Int])?
    for run in 0..<Self.runs {
      var random = SeededRandom(seed: CounterRandom(seed: seed).bits(run))
      let found = Self.run(points, count: count, &random)
      if best.map({ found.error < $0.error }) ?? true { best = found }
    }
    let found = best?.labels ?? points.map { _ in 0 }
    var sizes = [Int](repeating: 0, count: count)
    for label in found { sizes[label] += 1 }
    let order = sizes.indices.sorted { (sizes[$1], $0) < (sizes[$0], $1) }
    var names = sizes
    for (name, label) in order.enumerated() { names[label] = name }
    labels = found.map { names[$0] }
  }

  static func squaredDistance(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for i in a.indices { sum += (a[i] - b[i]) * (a[i] - b[i]) }
    return sum
  }

  private static func run(
    _ points: [[Double]], count: Int, _ random: inout SeededRandom
  ) -> (error: Double, labels: [Int]) {
    var centres = [points[Int(random.next(upperBound: UInt64(points.count)))]]
    var nearest = points.map { squaredDistance($0, centres[0]) }
    while centres.count < count {
      var left = Double(random.uniform()) * nearest.reduce(0, +)
      var chosen = points.count - 1
      for (place, distance) in nearest.enumerated() {
        left -= distance
        if left < 0 {
          chosen = place
          break
        }
      }
      centres.append(points[chosen])
      for place in points.indices {
        nearest[place] = min(nearest[place], squaredDistance(points[place], points[chosen]))
      }
    }
    var labels = points.map { _ in -1 }
    for _ in 0..<steps {
      let next = points.map { point in
        centres.indices.min { a, b in
          (squaredDistance(point, centres[a]), a) < (squaredDistance(point, centres[b]), b)
        } ?? 0
      }
      if next == labels { break }
      labels = next
      for centre in centres.indices {
        let own = points.indices.filter { labels[$0] == centre }
        guard !own.isEmpty else { continue }
        centres[centre] = centres[centre].indices.map { column in
          own.reduce(0) { $0 + points[$1][column] } / Double(own.count)
        }
      }
    }
    let error = points.indices.reduce(0) { $0 + squaredDistance(points[$1], centres[labels[$1]]) }
    return (error, labels)
  }
}
