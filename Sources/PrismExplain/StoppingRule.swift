internal import PrismTensor

/// When a method that draws samples may stop: as soon as the ranking of its top parts is sure.
///
/// Parts are segments, or the cells of an 8×8 grid for methods that draw maps. They are ranked by magnitude. The ranking of
/// the first `top` is sure when every one of them leads the next by more than z standard errors of the difference; z is
/// such that all these statements together, at all looks, are true with the stated confidence (normal quantiles,
/// Bonferroni's correction, parts treated as independent). The number of samples doubles from look to look, so that when a
/// method stops depends on the seed alone. The idea of drawing until rankings are significant: Zhou, Hooker and Wang,
/// "S-LIME: Stabilized-LIME for Model Explanation", KDD 2021.
public struct StoppingRule: Sendable, Equatable {
  /// The samples at the first look.
  static let firstLook = 128

  /// The probability with which the ranking is to be right.
  public let confidence: Double
  /// How many parts are ranked.
  public let top: Int

  /// Makes a rule.
  public init(confidence: Double = 0.95, top: Int = 3) {
    self.confidence = confidence
    self.top = top
  }

  /// Throws unless the rule makes sense.
  func check() throws(ExplanationError) {
    guard confidence > 0, confidence < 1 else {
      throw .parameter("the confidence", "must lie between 0 and 1")
    }
    guard top >= 1 else { throw .parameter("the number of ranked parts", "must be at least 1") }
  }

  /// Whether the ranking of the top parts is sure.
  ///
  /// - Parameters:
  ///   - values: One number a part.
  ///   - errors: Their standard errors.
  ///   - looks: How often the question is asked at most.
  /// - Returns: Whether every lead is wide enough.
  func isSure(_ values: [Double], errors: [Double], looks: Int) -> Bool {
    let order = values.indices.sorted { (abs(values[$1]), $0) < (abs(values[$0]), $1) }
    let pairs = min(top, values.count - 1)
    guard pairs > 0 else { return true }
    let z = normalQuantile(1 - (1 - confidence) / Double(pairs * looks))
    return (0..<pairs).allSatisfy { k in
      let (a, b) = (order[k], order[k + 1])
      let error = (errors[a] * errors[a] + errors[b] * errors[b]).squareRoot()
      return abs(values[a]) - abs(values[b]) > z * error
    }
  }

  /// What to tell about the ranking.
  func note(isSure: Bool, parts: String, taken: Int) -> String {
    let hundredths = (confidence * 10_000).rounded() / 100
    let percent = hundredths == hundredths.rounded() ? "\(Int(hundredths))" : "\(hundredths)"
    return "the ranking of the top \(top) \(parts) is \(isSure ? "" : "not ")sure (\(percent) %) "
      + "after \(isSure ? "" : "the limit of ")\(taken) samples"
  }
}

extension StoppingRule? {
  /// The numbers of samples at which a method looks whether it may stop; the last is the limit.
  func looks(limit: Int, first: Int = StoppingRule.firstLook) -> [Int] {
    guard self != nil else { return [limit] }
    var looks: [Int] = []
    var next = first
    while next < limit {
      looks.append(next)
      next *= 2
    }
    return looks + [limit]
  }

  /// The values for the record.
  var parameters: [MethodParameter] {
    map { [.number("confidence", $0.confidence), .integer("rankedParts", $0.top)] } ?? []
  }
}

/// Maps that are drawn one after the other, until there are enough of them.
struct SampledMaps {
  /// What of the samples makes the map.
  enum Statistic {
    case mean, variance

    /// The highest power of the samples whose sum is kept, for the statistic and its standard error.
    fileprivate var order: Int { self == .mean ? 2 : 4 }
  }

  /// The rows and columns of cells that are ranked.
  static let cells = 8

  private(set) var moments: [PixelMoments]
  private(set) var taken = 0
  private var cellMoments: [PixelMoments]
  private let cellOfPixel: [Int]
  private let cellSizes: [Double]
  private let statistic: Statistic
  private let rule: StoppingRule?
  private let looks: [Int]
  private var isSure = false

  /// - Parameters:
  ///   - image: What the maps explain.
  ///   - targets: The number of maps of a sample.
  ///   - statistic: What of the samples makes the map.
  ///   - samples: The number of samples, or the limit under a rule.
  ///   - rule: When to stop earlier.
  /// - Throws: ``ExplanationError/parameter(_:_:)``.
  init(
    _ image: ExplainedImage, targets: Int, statistic: Statistic = .mean, samples: Int,
    rule: StoppingRule?
  ) throws(ExplanationError) {
    guard samples >= 1 else { throw .parameter("the number of samples", "must be at least 1") }
    try rule?.check()
    self.statistic = statistic
    self.rule = rule
    looks = rule.looks(limit: samples)
    moments = (0..<targets).map { _ in PixelMoments(area: image.area, order: statistic.order) }
    let (rows, columns) = (min(Self.cells, image.height), min(Self.cells, image.width))
    cellOfPixel = (0..<image.area).map {
      ($0 / image.width * rows / image.height) * columns + $0 % image.width * columns / image.width
    }
    var sizes = [Double](repeating: 0, count: rows * columns)
    for cell in cellOfPixel { sizes[cell] += 1 }
    cellSizes = sizes
    cellMoments = (0..<targets).map { _ in PixelMoments(area: rows * columns, order: 2) }
  }

  /// Draws samples until the rule or the limit ends it.
  ///
  /// - Parameters:
  ///   - group: How many samples are computed at a time.
  ///   - compute: What the samples with such indices are made of, computed together.
  ///   - draw: The maps of the sample with an index, counted from the first of its group, one a target.
  mutating func draw<Group>(
    inGroupsOf group: Int, computing compute: (Range<Int>) throws -> Group,
    _ draw: (Group, Int) throws -> [[Double]]
  ) rethrows {
    for look in looks {
      while taken < look {
        let range = taken..<min(taken + group, look)
        let computed = try compute(range)
        for index in range.indices {
          for (t, map) in try draw(computed, index - range.lowerBound).enumerated() { add(map, t) }
        }
        taken = range.upperBound
      }
      guard let rule else { continue }
      isSure = moments.indices.allSatisfy { target in
        let (values, errors) = ranked(target)
        return rule.isSure(values, errors: errors, looks: looks.count)
      }
      if isSure { return }
    }
  }

  private mutating func add(_ map: [Double], _ target: Int) {
    moments[target].add(map)
    guard rule != nil, statistic == .mean else { return }
    cellMoments[target].add(cellMeans(map))
  }

  private func cellMeans(_ map: [Double]) -> [Double] {
    var sums = [Double](repeating: 0, count: cellSizes.count)
    for (p, value) in map.enumerated() { sums[cellOfPixel[p]] += value }
    return zip(sums, cellSizes).map { $0 / $1 }
  }

  /// The cells' numbers by which they are ranked, with their standard errors.
  private func ranked(_ target: Int) -> (values: [Double], errors: [Double]) {
    switch statistic {
    case .mean: (cellMoments[target].means, cellMoments[target].standardErrors)
    case .variance:
      // Pixels of a cell vary together, how much is not known: the error of their mean is at most their mean error.
      (
        cellMeans(moments[target].variances),
        cellMeans(moments[target].standardErrorsOfVariances)
      )
    }
  }

  /// What a reader should know about when the drawing ended.
  var diagnostics: [String] {
    rule.map { [$0.note(isSure: isSure, parts: "cells", taken: taken)] } ?? []
  }
}

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
