/// Maps of one label over many pictures, grouped by where they point, and how much each group points
/// at one fixed place.
///
/// A map's evidence is its positive part less the mean of it, so that a floor of noise does not
/// count. The groups are those of ``SpectralClustering`` of the evidence, each map's scaled to length
/// 1; groups whose means are alike (a cosine above ``alike``) are one. Definition of the survey: Lapuschkin et al., "Unmasking Clever Hans predictors and assessing
/// what machines really learn", Nature Communications 2019 (SpRAy).
public struct MapGroups: Sendable {
  /// The least members of a group that can be suspicious.
  public static let leastMembers = 5
  /// The share of a picture from which on a place is no place any more.
  public static let largestPlace = 0.25
  /// The cosine of two groups' means from which on they are one group.
  public static let alike = 0.9

  /// Maps that point alike.
  public struct Group: Sendable {
    /// The numbers of the maps.
    public let members: [Int]
    /// The mean of their evidence, each map's with the sum 1.
    public let mean: [Double]
    /// The mean when every map is moved so that its centre of mass lies in the middle.
    public let aligned: [Double]
    /// The fixed place: the fewest cells that hold half of the mean.
    public let place: [Bool]
    /// The share of the picture that the place covers.
    public let area: Double
    /// The share of a member's evidence in the place; the place is found by one half of the members
    /// and measured on the other, both ways.
    public let inside: Double
    /// The share of the other maps' evidence in the place.
    public let outside: Double

    /// How alike the members are: the mean cosine of two of them.
    public let likeness: Double
    /// The share of every member's evidence in the place, in the order of the members.
    public let shares: [Double]

    /// How much the group points at one place at which the others do not, from 0 to 1.
    ///
    /// `min(1, 2 · (inside − max(outside, area))) · (1 − 4 · area) · likeness²`, and 0 for groups of
    /// fewer than ``MapGroups/leastMembers``. The place holds half of the mean, hence the 2.
    public var fixedness: Double {
      guard members.count >= MapGroups.leastMembers else { return 0 }
      return min(1, 2 * max(0, inside - max(outside, area)))
        * max(0, 1 - area / MapGroups.largestPlace) * likeness * likeness
    }

    /// The maps, also those of other groups, that point at the place: it holds at least half as much
    /// of them as of the median member.
    public let pointing: [Int]
    /// How much more often these maps point at the place than those of other labels do, from 0 to 1.
    ///
    /// `1 − others / own`, each `(count + 1) / (maps + 2)`. Where there are no other maps, chance is
    /// the share of the picture that the place covers.
    public let selectivity: Double
  }

  /// The groups, the largest first.
  public let groups: [Group]
  /// The maps that are far from all others, the farthest first: those whose mean distance from their
  /// neighbours lies more than three median deviations above the median.
  public let outliers: [Int]
  /// The least eigenvalues of the graph of neighbours.
  public let eigenvalues: [Double]
  /// The rows of the maps.
  public let rows: Int
  /// The columns of the maps.
  public let columns: Int

  /// Groups maps.
  ///
  /// - Parameters:
  ///   - maps: Of one size, as many numbers as rows times columns; negative ones do not count.
  ///   - others: Maps of other labels, with which places are compared too.
  ///   - rows: The rows.
  ///   - columns: The columns.
  ///   - seed: Selects where k-means begins.
  /// - Throws: `ExplanationError` where there are more than ``SpectralClustering/limit`` maps.
  public init(
    _ maps: [[Double]], others: [[Double]] = [], rows: Int, columns: Int, seed: UInt64 = 0
  ) throws(ExplanationError) {
    (self.rows, self.columns) = (rows, columns)
    let shares = maps.map(Self.shares)
    let rest = others.map(Self.shares)
    let points = shares.map(Self.scaled)
    let clustering = try SpectralClustering(points, seed: seed)
    eigenvalues = clustering.eigenvalues
    let labels = Self.merged(clustering.labels, points)
    let groups = Set(labels).sorted().map { number in
      Self.group(
        maps.indices.filter { labels[$0] == number }, shares, points, rest, rows: rows,
        columns: columns)
    }
    self.groups = groups.sorted { a, b in
      (b.members.count, a.members[0]) < (a.members.count, b.members[0])
    }
    let distances = clustering.distances.sorted()
    let median = distances.isEmpty ? 0 : distances[distances.count / 2]
    let deviations = distances.map { abs($0 - median) }.sorted()
    let spread = deviations.isEmpty ? 0 : deviations[deviations.count / 2]
    outliers = maps.indices
      .filter { spread > 0 && clustering.distances[$0] > median + 3 * 1.4826 * spread }
      .sorted { (clustering.distances[$1], $0) < (clustering.distances[$0], $1) }
  }

  /// A map's evidence with the sum 1; zeros where there is none.
  private static func shares(_ map: [Double]) -> [Double] {
    let positive = map.map { max($0, 0) }
    let floor = positive.reduce(0, +) / Double(max(positive.count, 1))
    let evidence = positive.map { max($0 - floor, 0) }
    let sum = evidence.reduce(0, +)
    return sum > 0 ? evidence.map { $0 / sum } : evidence
  }

  /// Group labels in which those whose means are alike are one, the most alike first.
  private static func merged(_ labels: [Int], _ points: [[Double]]) -> [Int] {
    var labels = labels
    while true {
      let names = Set(labels).sorted()
      let means = names.map { name in
        Self.scaled(mean(points.indices.filter { labels[$0] == name }.map { points[$0] }))
      }
      var best: (cosine: Double, first: Int, second: Int)?
      for a in names.indices {
        for b in names.indices where b > a {
          let cosine = zip(means[a], means[b]).reduce(0) { $0 + $1.0 * $1.1 }
          if cosine > max(alike, best?.cosine ?? 0) { best = (cosine, names[a], names[b]) }
        }
      }
      guard let best else { return labels }
      labels = labels.map { $0 == best.second ? best.first : $0 }
    }
  }

  /// A map with the length 1; zeros where there is nothing.
  private static func scaled(_ map: [Double]) -> [Double] {
    let length = map.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return length > 0 ? map.map { $0 / length } : map
  }

  /// The mean cosine of two different maps of length 1.
  private static func likeness(_ points: [[Double]]) -> Double {
    guard points.count > 1 else { return 0 }
    let count = Double(points.count)
    let mean = mean(points)
    return max(0, (count * mean.reduce(0) { $0 + $1 * $1 } - 1) / (count - 1))
  }

  private static func group(
    _ members: [Int], _ shares: [[Double]], _ points: [[Double]], _ rest: [[Double]], rows: Int,
    columns: Int
  ) -> Group {
    let isMember = Set(members)
    let others = shares.indices.filter { !isMember.contains($0) }.map { shares[$0] } + rest
    let own = members.map { shares[$0] }
    let mean = mean(own)
    let place = place(mean)
    let area = Double(place.count { $0 }) / Double(place.count)
    // What a place holds of maps that did not choose it.
    var inside = 0.0
    if own.count > 1 {
      for parity in 0...1 {
        let (choosing, measured) = (
          own.indices.filter { $0 % 2 == parity }, own.indices.filter { $0 % 2 != parity }
        )
        let found = Self.place(Self.mean(choosing.map { own[$0] }))
        inside += Self.held(measured.map { own[$0] }, in: found) / 2
      }
    }
    let held = own.map { Self.held([$0], in: place) }
    let least = held.sorted()[held.count / 2] / 2
    let pointing = shares.indices.filter { Self.held([shares[$0]], in: place) >= least }
    func rate(_ count: Int, of all: Int) -> Double { Double(count + 1) / Double(all + 2) }
    let chance =
      rest.isEmpty
      ? area : rate(rest.count { Self.held([$0], in: place) >= least }, of: rest.count)
    return Group(
      members: members, mean: mean,
      aligned: Self.mean(own.map { Self.centred($0, rows: rows, columns: columns) }),
      place: place, area: area, inside: inside,
      outside: others.isEmpty ? area : Self.held(others, in: place),
      likeness: likeness(members.map { points[$0] }), shares: held, pointing: pointing,
      selectivity: max(0, 1 - chance / rate(pointing.count, of: shares.count)))
  }

  private static func mean(_ maps: [[Double]]) -> [Double] {
    guard let first = maps.first else { return [] }
    return first.indices.map { cell in
      maps.reduce(0) { $0 + $1[cell] } / Double(maps.count)
    }
  }

  /// The fewest cells that hold half of a map.
  private static func place(_ mean: [Double]) -> [Bool] {
    let half = mean.reduce(0, +) / 2
    var place = [Bool](repeating: false, count: mean.count)
    var sum = 0.0
    for cell in mean.indices.sorted(by: { (mean[$1], $0) < (mean[$0], $1) }) {
      guard sum < half else { break }
      place[cell] = true
      sum += mean[cell]
    }
    return place
  }

  /// The mean share of maps in a place.
  private static func held(_ maps: [[Double]], in place: [Bool]) -> Double {
    guard !maps.isEmpty else { return 0 }
    return maps.reduce(0) { sum, map in
      map.indices.reduce(sum) { place[$1] ? $0 + map[$1] : $0 }
    } / Double(maps.count)
  }

  /// A map moved by whole cells so that its centre of mass lies in the middle; what leaves it is
  /// lost.
  private static func centred(_ map: [Double], rows: Int, columns: Int) -> [Double] {
    let sum = map.reduce(0, +)
    guard sum > 0 else { return map }
    var (y, x) = (0.0, 0.0)
    for (cell, value) in map.enumerated() {
      y += value * Double(cell / columns)
      x += value * Double(cell % columns)
    }
    let (down, right) = (
      Int((Double(rows - 1) / 2 - y / sum).rounded()),
      Int((Double(columns - 1) / 2 - x / sum).rounded())
    )
    var moved = [Double](repeating: 0, count: map.count)
    for (cell, value) in map.enumerated() {
      let (row, column) = (cell / columns + down, cell % columns + right)
      if (0..<rows).contains(row), (0..<columns).contains(column) {
        moved[row * columns + column] = value
      }
    }
    return moved
  }
}
