internal import PrismRuntime
internal import PrismTensor

/// The map `E(y · M) / p` of random soft masks M and outputs y, by a linear model of the outputs.
///
/// The model's features are the mask's means over a grid of blocks. What it adds to the map follows
/// from the covariances of masks, which are known; what it misses is averaged over the samples. A
/// sample is foretold by a model that was fitted without it and its fold, so that the map is right on
/// average whatever the model is worth.
struct MaskRegression {
  /// The map of one target.
  struct Map {
    /// One number a pixel, and its standard error; infinite for fewer than two pairs.
    let values, errors: [Double]
    /// The means over the blocks, by which parts are ranked.
    let cells, cellErrors: [Double]
  }

  /// The parts of the samples that are left out in turn.
  private static let folds = 4
  /// The penalties that are tried, relative to the features' variance; with none of them the model
  /// is a constant.
  private static let penalties = [1.0, 0.1, 0.01, 0.001]

  private let masks: SoftMasks.Sized
  private let rows, columns: [Range<Int>]
  /// How much blocks have of cells, for every shift.
  private let rowShares, columnShares: [[[Double]]]
  /// The covariances along each axis of blocks and pixels, and of blocks and blocks.
  private let pixelRows, pixelColumns, blockRows, blockColumns: [[Double]]

  private var features: Int { rows.count * columns.count }
  private var probability: Double { masks.masks.probability }

  /// Prepares for masks.
  init(_ masks: SoftMasks.Sized) {
    self.masks = masks
    func blocks(_ size: Int) -> [Range<Int>] {
      let count = min(SampledMaps.cells, size)
      return (0..<count).map {
        ($0 * size + count - 1) / count..<(($0 + 1) * size + count - 1) / count
      }
    }
    func pixels(_ size: Int) -> [Range<Int>] { (0..<size).map { $0..<$0 + 1 } }
    rows = blocks(masks.height)
    columns = blocks(masks.width)
    rowShares = masks.shares(vertical: true, of: rows)
    columnShares = masks.shares(vertical: false, of: columns)
    let (ofRows, ofColumns) = (
      masks.shares(vertical: true, of: pixels(masks.height)),
      masks.shares(vertical: false, of: pixels(masks.width))
    )
    pixelRows = Self.products(rowShares, ofRows)
    pixelColumns = Self.products(columnShares, ofColumns)
    blockRows = Self.products(rowShares, rowShares)
    blockColumns = Self.products(columnShares, columnShares)
  }

  /// The products of shares, summed over the cells, in the mean over all shifts.
  private static func products(_ a: [[[Double]]], _ b: [[[Double]]]) -> [[Double]] {
    var result = a[0].map { _ in [Double](repeating: 0, count: b[0].count) }
    for (a, b) in zip(a, b) {
      for (i, a) in a.enumerated() {
        for (j, b) in b.enumerated() { result[i][j] += zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
      }
    }
    return result.map { row in row.map { $0 / Double(a.count) } }
  }

  /// The map of outputs.
  ///
  /// - Parameters:
  ///   - outputs: The outputs for the first masks.
  ///   - work: Is asked whether it goes on.
  /// - Returns: The map and how sure it is.
  /// - Throws: `ExplanationError` where LAPACK cannot be used; `CancellationError`.
  func callAsFunction(_ outputs: [Double], work: Work) throws -> Map {
    let x = outputs.indices.map(blockMeans)
    let models = try models(x, outputs)
    var (sums, squares) = ([Double](repeating: 0, count: masks.height * masks.width), [Double]())
    squares = sums
    var cellSums = [Double](repeating: 0, count: features)
    var cellSquares = cellSums
    let units = (outputs.count + 1) / 2
    var shares = [Double](repeating: 0, count: Self.folds)
    for unit in 0..<units {
      if unit % 64 == 0 { try work.check() }
      let samples = 2 * unit..<min(2 * unit + 2, outputs.count)
      shares[unit % Self.folds] += 1 / Double(units)
      let model = models[unit % Self.folds]
      var term = [Double](repeating: 0, count: sums.count)
      var cellTerm = [Double](repeating: 0, count: features)
      for sample in samples {
        let miss =
          (outputs[sample] - model.value(x[sample], around: probability)) / probability
          / Double(samples.count)
        let mask = masks[sample]
        for p in term.indices { term[p] += miss * Double(mask[p]) }
        for (a, mean) in x[sample].enumerated() { cellTerm[a] += miss * mean }
      }
      Self.add(term, to: &sums, &squares)
      Self.add(cellTerm, to: &cellSums, &cellSquares)
    }
    let mean = Model(models, shares: shares)
    let n = Double(units)
    return Map(
      values: zip(sums, foretold(mean, pixelRows, pixelColumns)).map { $0 / n + $1 },
      errors: Self.errors(sums, squares, n),
      cells: zip(cellSums, foretold(mean, blockRows, blockColumns)).map { $0 / n + $1 },
      cellErrors: Self.errors(cellSums, cellSquares, n))
  }

  private static func add(
    _ term: [Double], to sums: inout [Double], _ squares: inout [Double]
  ) {
    for i in term.indices {
      sums[i] += term[i]
      squares[i] += term[i] * term[i]
    }
  }

  private static func errors(_ sums: [Double], _ squares: [Double], _ n: Double) -> [Double] {
    zip(sums, squares).map { sum, square in
      n > 1 ? (max(square - sum * sum / n, 0) / n / (n - 1)).squareRoot() : .infinity
    }
  }

  /// The mask's means over the blocks.
  private func blockMeans(_ sample: Int) -> [Double] {
    let (grid, top, left) = masks.draw(sample)
    let cells = masks.masks.cells
    let across = columnShares[left].map { shares in
      (0..<cells).map { row in
        (0..<cells).reduce(0.0) { $0 + shares[$1] * Double(grid[row * cells + $1]) }
      }
    }
    return rowShares[top].flatMap { shares in
      across.map { column in zip(shares, column).reduce(0) { $0 + $1.0 * $1.1 } }
    }
  }

  /// What a model adds to the map: the constant, and the slopes' covariances with the mask.
  private func foretold(
    _ model: Model, _ alongRows: [[Double]], _ alongColumns: [[Double]]
  ) -> [Double] {
    let (height, width) = (alongRows[0].count, alongColumns[0].count)
    var result = [Double](repeating: model.constant, count: height * width)
    // The variance of a bit, over the probability.
    let factor = 1 - probability
    for i in rows.indices {
      var row = [Double](repeating: 0, count: width)
      for j in columns.indices {
        let slope = model.slopes[i * columns.count + j] * factor
        for x in 0..<width { row[x] += slope * alongColumns[j][x] }
      }
      for y in 0..<height {
        let share = alongRows[i][y]
        for x in 0..<width { result[y * width + x] += share * row[x] }
      }
    }
    return result
  }

  // MARK: - The models

  /// A linear model of the outputs.
  private struct Model {
    let constant: Double
    let slopes: [Double]

    init(constant: Double, slopes: [Double]) {
      self.constant = constant
      self.slopes = slopes
    }

    /// The mean of models.
    init(_ models: [Model], shares: [Double]) {
      constant = zip(models, shares).reduce(0) { $0 + $1.0.constant * $1.1 }
      slopes = models[0].slopes.indices.map { i in
        zip(models, shares).reduce(0) { $0 + $1.0.slopes[i] * $1.1 }
      }
    }

    func value(_ x: [Double], around mean: Double) -> Double {
      zip(slopes, x).reduce(constant) { $0 + $1.0 * ($1.1 - mean) }
    }
  }

  /// For every fold the model of the other samples, with the penalty that foretells best.
  private func models(_ x: [[Double]], _ outputs: [Double]) throws -> [Model] {
    let q = features
    func fold(_ sample: Int) -> Int { sample / 2 % Self.folds }
    // The sums over each fold: products of features, with outputs, of features, of outputs.
    var sums = (0..<Self.folds).map { _ in Sums(features: q) }
    for (sample, x) in x.enumerated() {
      sums[fold(sample)].add(x.map { $0 - probability }, outputs[sample])
    }
    let others = sums.indices.map { left in
      sums.indices.filter { $0 != left }.reduce(Sums(features: q)) { $0.adding(sums[$1]) }
    }
    var best = others.map {
      Model(constant: $0.mean, slopes: [Double](repeating: 0, count: q))
    }
    func loss(_ models: [Model]) -> Double {
      x.indices.reduce(0) { sum, sample in
        let miss = outputs[sample] - models[fold(sample)].value(x[sample], around: probability)
        return sum + miss * miss
      }
    }
    var least = loss(best)
    for penalty in Self.penalties {
      var models: [Model] = []
      for other in others {
        guard let model = try other.model(penalty: penalty) else { break }
        models.append(model)
      }
      guard models.count == Self.folds else { continue }
      let found = loss(models)
      if found < least { (least, best) = (found, models) }
    }
    return best
  }

  /// The sums of a regression.
  private struct Sums {
    var products, moments, totals: [Double]
    var output = 0.0
    var count = 0.0

    var mean: Double { count > 0 ? output / count : 0 }

    init(features q: Int) {
      products = [Double](repeating: 0, count: q * q)
      moments = [Double](repeating: 0, count: q)
      totals = moments
    }

    mutating func add(_ x: [Double], _ y: Double) {
      let q = x.count
      for i in 0..<q {
        for j in 0..<q { products[i * q + j] += x[i] * x[j] }
        moments[i] += x[i] * y
        totals[i] += x[i]
      }
      output += y
      count += 1
    }

    func adding(_ other: Sums) -> Sums {
      var sum = self
      for i in products.indices { sum.products[i] += other.products[i] }
      for i in moments.indices {
        sum.moments[i] += other.moments[i]
        sum.totals[i] += other.totals[i]
      }
      sum.output += other.output
      sum.count += other.count
      return sum
    }

    /// The ridge regression; `nil` where it has no solution.
    func model(penalty: Double) throws(ExplanationError) -> Model? {
      guard count > 1 else { return nil }
      let q = moments.count
      var matrix = products
      var trace = 0.0
      for i in 0..<q {
        for j in 0..<q { matrix[i * q + j] -= totals[i] * totals[j] / count }
        trace += matrix[i * q + i]
      }
      guard trace > 0 else { return nil }
      for i in 0..<q { matrix[i * q + i] += penalty * trace / Double(q) }
      guard let factor = try Cholesky(matrix, size: q) else { return nil }
      let slopes = try factor.solve(moments.indices.map { moments[$0] - totals[$0] * mean })
      return Model(
        constant: mean - zip(slopes, totals).reduce(0) { $0 + $1.0 * $1.1 } / count,
        slopes: slopes)
    }
  }
}
