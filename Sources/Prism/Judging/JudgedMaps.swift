internal import PrismTensor

/// The measures of many maps: pictures by labels by methods.
///
/// Only numbers are kept, some hundred bytes a map; pictures and maps are not.
public struct JudgedMaps: Sendable {
  /// What one map is worth.
  public struct Entry: Sendable, Equatable {
    /// The number of the picture.
    public let picture: Int
    /// The number of the label.
    public let label: Int
    /// The number of the method.
    public let method: Int
    /// What was measured.
    public let values: [MapMeasure: Double]

    /// Makes an entry.
    public init(picture: Int, label: Int, method: Int, values: [MapMeasure: Double]) {
      self.picture = picture
      self.label = label
      self.method = method
      self.values = values
    }
  }

  /// A mean over pictures.
  public struct Estimate: Sendable, Equatable {
    /// The mean.
    public let value: Double
    /// 95 % of the resampled means; `nil` for one picture, and where all resamples agree.
    public let interval: ClosedRange<Double>?
    /// The pictures with the measure.
    public let pictures: Int
  }

  /// How two methods differ.
  public struct Pair: Sendable, Equatable {
    /// The numbers of the methods.
    public let first: Int
    /// The second.
    public let second: Int
    /// The mean difference over the pictures that both have, the first less the second.
    public let difference: Double
    /// The p-value of ``SignedRankTest``, corrected for all pairs of the measure.
    public let p: Double
    /// The better of both, where they can be told apart.
    public let better: Int?
  }

  /// The level below which a corrected p-value separates two methods.
  public static let level = 0.05

  /// The entries, by method and label.
  private var grouped: [[[Entry]]]
  /// How many methods there are.
  public let methods: Int
  /// How many labels there are.
  public let labels: Int
  /// How many pictures there are.
  public let pictures: Int

  /// Begins without entries.
  ///
  /// - Parameters:
  ///   - pictures: How many pictures there are.
  ///   - labels: How many labels there are.
  ///   - methods: How many methods there are.
  public init(pictures: Int, labels: Int, methods: Int) {
    (self.pictures, self.labels, self.methods) = (pictures, labels, methods)
    grouped = Array(repeating: Array(repeating: [], count: labels), count: methods)
  }

  /// Takes an entry; one whose numbers are out of range is left out.
  public mutating func add(_ entry: Entry) {
    guard (0..<pictures).contains(entry.picture), (0..<labels).contains(entry.label),
      (0..<methods).contains(entry.method)
    else { return }
    grouped[entry.method][entry.label].append(entry)
  }

  /// The entries of a method and a label, in the order in which they came.
  public func entries(of method: Int, label: Int) -> [Entry] { grouped[method][label] }

  /// The measures that any map has, in their order.
  public var measures: [MapMeasure] {
    let found = grouped.joined().joined().reduce(into: Set<MapMeasure>()) {
      $0.formUnion($1.values.keys)
    }
    return MapMeasure.allCases.filter(found.contains)
  }

  /// The mean of each method over all labels: the mean of the labels' means, so that a frequent
  /// label counts no more than a rare one.
  ///
  /// The interval is that of the bootstrap over pictures: every resample draws as many pictures as
  /// there are, the same for all methods, and takes all their labels.
  ///
  /// - Parameters:
  ///   - measure: What is averaged.
  ///   - label: The only label that counts; `nil` for all.
  ///   - resamples: How many resamples; 0 for no intervals.
  ///   - seed: Selects the resamples.
  /// - Returns: One a method; `nil` where it has no such measure.
  public func estimates(
    of measure: MapMeasure, label: Int? = nil, resamples: Int = 1000, seed: UInt64 = 0
  ) -> [Estimate?] {
    let columns = (0..<methods).map { Column(measure, self, method: $0, label: label) }
    let known = Set(columns.flatMap { $0.places.map(\.picture) }).sorted()
    var draws = columns.map { _ in [Double]() }
    if known.count > 1 {
      var weights = [Double](repeating: 0, count: pictures)
      for resample in 0..<resamples {
        var random = SeededRandom(seed: CounterRandom(seed: seed).bits(resample))
        for picture in known { weights[picture] = 0 }
        for _ in known {
          weights[known[Int(random.next(upperBound: UInt64(known.count)))]] += 1
        }
        for (number, column) in columns.enumerated() {
          if let mean = column.mean(weights) { draws[number].append(mean) }
        }
      }
    }
    let even = [Double](repeating: 1, count: pictures)
    return zip(columns, draws).map { column, draws in
      column.mean(even).map {
        Estimate(
          value: $0, interval: Self.interval(draws),
          pictures: Set(column.places.map(\.picture)).count)
      }
    }
  }

  /// The interval of resampled means; `nil` where they differ by rounding errors alone.
  private static func interval(_ draws: [Double]) -> ClosedRange<Double>? {
    Interval.bootstrap(draws).flatMap { interval in
      let width = interval.upperBound - interval.lowerBound
      return width > 1e-12 * max(1, abs(interval.upperBound)) ? interval : nil
    }
  }

  /// The values of a measure of one method.
  private struct Column {
    /// Sorted by labels.
    let places: [(label: Int, picture: Int, value: Double)]

    init(_ measure: MapMeasure, _ maps: JudgedMaps, method: Int, label: Int?) {
      let labels = label.map { $0..<$0 + 1 } ?? 0..<maps.labels
      places = labels.flatMap { label in
        maps.grouped[method][label].compactMap { entry in
          entry.values[measure].map { (label, entry.picture, $0) }
        }.sorted { $0.1 < $1.1 }
      }
    }

    /// The mean of the labels' means with weighted pictures; `nil` without any.
    func mean(_ weights: [Double]) -> Double? {
      var (sum, count) = (0.0, 0.0)
      var (labels, labelSum) = (0.0, 0.0)
      func close() {
        if count > 0 {
          labels += 1
          labelSum += sum / count
        }
        (sum, count) = (0, 0)
      }
      var label = -1
      for place in places {
        if place.label != label {
          close()
          label = place.label
        }
        sum += weights[place.picture] * place.value
        count += weights[place.picture]
      }
      close()
      return labels > 0 ? labelSum / labels : nil
    }
  }

  /// How every two methods differ in a measure, picture by picture; of a picture with several
  /// labels the mean counts.
  ///
  /// - Parameter measure: What is compared.
  /// - Returns: The pairs of methods that have a picture in common, the first before the second.
  public func pairs(of measure: MapMeasure) -> [Pair] {
    // Means of (picture, label)s that both have: a label that one method fails at counts for none.
    var values = (0..<methods).map { _ in [Int: Double]() }
    for entry in grouped.joined().joined() {
      if let value = entry.values[measure] {
        values[entry.method][entry.picture * labels + entry.label] = value
      }
    }
    // In a fixed order, so that sums have the same bits in every run.
    let places = values.map { $0.keys.sorted() }
    var tests: [(first: Int, second: Int, difference: Double, p: Double)] = []
    for first in 0..<methods {
      for second in 0..<methods where second > first {
        var differences: [Int: (sum: Double, count: Double)] = [:]
        for place in places[first] {
          guard let value = values[first][place], let other = values[second][place] else {
            continue
          }
          let known = differences[place / labels] ?? (0, 0)
          differences[place / labels] = (known.sum + value - other, known.count + 1)
        }
        guard !differences.isEmpty else { continue }
        let all = differences.keys.sorted().compactMap { picture in
          differences[picture].map { $0.sum / $0.count }
        }
        tests.append(
          (first, second, all.reduce(0, +) / Double(all.count), SignedRankTest(all).p))
      }
    }
    let adjusted = SignedRankTest.holm(tests.map(\.p))
    return zip(tests, adjusted).map { test, p in
      var better: Int?
      if p < Self.level {
        if measure.isBetter(test.difference, than: 0) { better = test.first }
        if measure.isBetter(0, than: test.difference) { better = test.second }
      }
      return Pair(
        first: test.first, second: test.second, difference: test.difference, p: p, better: better)
    }
  }
}
