internal import PrismTensor

/// Maps that are drawn one after the other, until there are enough of them.
struct SampledMaps {
  /// What of the samples makes the map.
  enum Statistic {
    case mean, variance

    /// The highest power of the samples whose sum is kept, for the statistic and its standard
    /// error.
    fileprivate var order: Int { self == .mean ? 2 : 4 }
  }

  /// The rows and columns of cells that are ranked.
  static let cells = 8

  private(set) var moments: [PixelMoments]
  private(set) var taken = 0
  private let series: ((Int) -> Int)?
  private var differences: [SecondDifferences]
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
  ///   - series: The series of the sample with an index, in which each is from a slice of its own,
  ///     one slice after the other; `nil` where samples are independent.
  /// - Throws: ``ExplanationError/parameter(_:_:)``.
  init(
    _ image: ExplainedImage, targets: Int, statistic: Statistic = .mean, samples: Int,
    rule: StoppingRule?, series: ((Int) -> Int)? = nil
  ) throws(ExplanationError) {
    guard samples >= 1 else { throw .parameter("the number of samples", "must be at least 1") }
    try rule?.check()
    self.statistic = statistic
    self.rule = rule
    looks = rule.looks(limit: samples)
    moments = (0..<targets).map { _ in PixelMoments(area: image.area, order: statistic.order) }
    self.series = series
    differences =
      series == nil ? [] : (0..<targets).map { _ in SecondDifferences(area: image.area) }
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
  ///   - draw: The maps of the sample with an index, counted from the first of its group, one a
  ///     target.
  mutating func draw<Group>(
    inGroupsOf group: Int, computing compute: (Range<Int>) throws -> Group,
    _ draw: (Group, Int) throws -> [[Double]]
  ) rethrows {
    for look in looks {
      while taken < look {
        let range = taken..<min(taken + group, look)
        let computed = try compute(range)
        for index in range.indices {
          let series = series?(index)
          for (t, map) in try draw(computed, index - range.lowerBound).enumerated() {
            add(map, t)
            if let series { differences[t].add(map, series: series) }
          }
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
      // Pixels of a cell vary together, how much is not known: the error of their mean is at most
      // their mean error.
      (
        cellMeans(moments[target].variances),
        cellMeans(moments[target].standardErrorsOfVariances)
      )
    }
  }

  /// The standard errors of a target's means.
  func standardErrors(of target: Int) -> [Double] {
    let ofSeries = series == nil ? nil : differences[target].standardErrors(count: taken)
    return ofSeries ?? moments[target].standardErrors
  }

  /// What a reader should know about when the drawing ended.
  var diagnostics: [String] {
    rule.map { [$0.note(isSure: isSure, parts: "cells", taken: taken)] } ?? []
  }
}
