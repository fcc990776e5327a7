internal import PrismKernels
internal import PrismTensor

/// Examples as points of a layer's space: who is near whom, and who stands for all.
public struct ExampleSpace: Sendable, Equatable {
  /// How far two points are from each other.
  public enum Distance: String, Sendable, CaseIterable, Codable {
    /// One less the cosine of the angle between them, from 0 to 2; to a point at zero it is 1.
    case cosine
    /// The length of the line between them.
    case euclidean
  }

  /// An example near a point.
  public struct Neighbour: Sendable, Equatable, Codable {
    /// The example's place in the list.
    public let index: Int
    /// How far it is.
    public let distance: Double
  }

  /// The most examples among which some are chosen that stand for all; of more, evenly spaced ones
  /// are looked at.
  public static let mostCandidates = 1024

  /// How far two points are from each other.
  public let distance: Distance
  /// The number of examples.
  public var count: Int { points.count }
  /// The number of numbers of each.
  public var dimensions: Int { points.first?.count ?? 0 }
  private let points: [[Float]]

  /// Takes examples.
  ///
  /// - Parameters:
  ///   - points: Of one length, and finite.
  ///   - distance: How far two are from each other.
  /// - Throws: ``ExplanationError``.
  public init(_ points: [[Float]], distance: Distance = .cosine) throws(ExplanationError) {
    let length = points.first?.count ?? 0
    guard length > 0, points.allSatisfy({ $0.count == length }) else {
      throw .unsuitable("there are no examples, or they have values of different shapes")
    }
    guard points.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
      throw .notFinite(layer: "the examples' layer")
    }
    self.distance = distance
    self.points = distance == .cosine ? points.map(Self.unit) : points
  }

  /// The examples nearest to a point, the nearest first; equals keep their order.
  ///
  /// - Parameters:
  ///   - point: A point of the same space.
  ///   - count: How many.
  /// - Returns: As many as there are.
  /// - Throws: ``ExplanationError``.
  public func nearest(to point: [Float], count: Int) throws(ExplanationError) -> [Neighbour] {
    guard point.count == points.first?.count, point.allSatisfy(\.isFinite) else {
      throw .unsuitable("the point is not one of the examples' space")
    }
    let point = distance == .cosine ? Self.unit(point) : point
    return points.indices.map { Neighbour(index: $0, distance: between(points[$0], point)) }
      .sorted { ($0.distance, $0.index) < ($1.distance, $1.index) }
      .prefix(max(count, 0)).map { $0 }
  }

  /// Examples that stand for some of them together: one after the other that which brings the
  /// chosen nearest to all, by the maximum mean discrepancy of a Gaussian kernel.
  ///
  /// With the kernel k, as wide as the median distance, the chosen make `2/(n m) Σ k(all, chosen) −
  /// 1/m² Σ k(chosen, chosen)` greatest. Definition: Kim, Khanna and Koyejo, "Examples are not
  /// Enough, Learn to Criticize! Criticism for Interpretability", NeurIPS 2016.
  ///
  /// - Parameters:
  ///   - members: Which examples are stood for, such as those of a label.
  ///   - count: How many are chosen.
  /// - Returns: Examples of the members, the first chosen first.
  /// - Throws: `CancellationError` in a cancelled task.
  public func prototypes(of members: [Int], count: Int) throws -> [Int] {
    let members = Self.candidates(members)
    let n = members.count
    guard n > 0, count > 0 else { return [] }
    let rows = try Workers.pool.map(n) { i in
      members.map { between(points[members[i]], points[$0]) }
    }
    let kernel = Self.kernel(rows)
    let means = kernel.map { $0.reduce(0, +) / Double(n) }
    var chosen: [Int] = []
    // Sums over the chosen: of means, and of the kernel among them.
    var (all, among) = (0.0, 0.0)
    for m in 1...min(count, n) {
      try Task.checkCancellation()
      var best: (place: Int, gain: Double, among: Double)?
      for place in 0..<n where !chosen.contains(place) {
        let with = among + kernel[place][place] + 2 * chosen.reduce(0) { $0 + kernel[place][$1] }
        let gain = 2 * (all + means[place]) / Double(m) - with / Double(m * m)
        if best.map({ gain > $0.gain }) ?? true { best = (place, gain, with) }
      }
      guard let best else { break }
      chosen.append(best.place)
      all += means[best.place]
      among = best.among
    }
    return chosen.map { members[$0] }
  }

  private static func candidates(_ members: [Int]) -> [Int] {
    guard members.count > mostCandidates else { return members }
    return (0..<mostCandidates).map { members[$0 * members.count / mostCandidates] }
  }

  private static func kernel(_ distances: [[Double]]) -> [[Double]] {
    let n = distances.count
    let apart = (0..<n).flatMap { i in distances[i][(i + 1)...] }.sorted()
    let width = apart.isEmpty ? 0 : apart[apart.count / 2]
    return distances.enumerated().map { i, row in
      row.enumerated().map { j, value in
        if i == j { return 1 }
        return width > 0 ? exponential(-value * value / (2 * width * width)) : 1
      }
    }
  }

  private func between(_ a: [Float], _ b: [Float]) -> Double {
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        var sum = 0.0
        switch distance {
        case .cosine:
          for i in 0..<a.count { sum += Double(a[i]) * Double(b[i]) }
          return max(1 - sum, 0)
        case .euclidean:
          for i in 0..<a.count {
            let difference = Double(a[i]) - Double(b[i])
            sum += difference * difference
          }
          return sum.squareRoot()
        }
      }
    }
  }

  private static func unit(_ point: [Float]) -> [Float] {
    let length = point.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    return length > 0 ? point.map { Float(Double($0) / length) } : point
  }
}
