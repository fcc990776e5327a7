internal import PrismAutodiff
public import PrismRuntime
public import PrismTensor

/// What a layer sees in many inputs, taken apart into concepts without anybody naming them.
///
/// Crops of the inputs, enlarged bilinearly to the network's size, are looked at by the layer; each
/// crop's values, averaged over rows and columns, are a row of a matrix that is factored without
/// negative numbers (``NonnegativeFactorization``). A factor is a concept: the crops that have most
/// of it show it. In whole inputs every place of the layer is divided into the concepts, which
/// gives a map for each; and the network goes on from the layer with concepts faded, by which total
/// Sobol indices say how much of the label's number hangs on each. Definition: Fel, Picard, Bethune,
/// Boissin, Vigouroux, Colin, Cadène and Serre, "CRAFT: Concept Recursive Activation FacTorization
/// for Explainability", CVPR 2023, without its recursion into earlier layers.
public struct ConceptDiscovery: Sendable {
  /// The number of concepts.
  public let count: Int
  /// The layer; `nil` for the model's default.
  public let layer: String?
  /// The size of a crop as a share of the input's.
  public let crop: Double
  /// The crops along each axis.
  public let crops: Int
  /// Whether crops are as high as the input, as for spectrograms, whose rows are not alike.
  public let keepsHeight: Bool
  /// The points of the design that makes the indices.
  public let points: Int
  /// Selects the beginning of the factorisation.
  public let seed: UInt64

  /// How many inputs' crops are looked at at a time.
  private static let group = 16
  /// The most numbers of the matrix.
  private static let mostNumbers = 1 << 27

  /// Makes a search.
  public init(
    count: Int, layer: String? = nil, crop: Double = 0.35, crops: Int = 4,
    keepsHeight: Bool = false, points: Int = 32, seed: UInt64 = 0
  ) {
    self.count = count
    self.layer = layer
    self.crop = crop
    self.crops = crops
    self.keepsHeight = keepsHeight
    self.points = points
    self.seed = seed
  }

  /// A part of an input.
  public struct Crop: Sendable, Equatable, Codable {
    /// The input's place in the list.
    public let input: Int
    /// The part's rows and columns.
    public let box: PixelBox
    /// How much of the concept is in it.
    public let coefficient: Double
  }

  /// A concept.
  public struct Concept: Sendable, Equatable {
    /// For each target the total Sobol index of the concept, averaged over the inputs.
    public let importance: [Double]
    /// For each target by how much its logit is higher with the concept than without it, averaged
    /// over the inputs.
    public let effects: [Double]
    /// The crops with most of it, at most one an input.
    public let crops: [Crop]
    /// For every input a map of where it is, `[h, w]` as the layer.
    public let maps: [Tensor]
    /// What the layer's channels have in it.
    public let direction: [Double]
  }

  /// What was found.
  public struct Findings: Sendable, Equatable {
    /// The layer's name.
    public let layer: String
    /// The concepts, by what the first target hangs on most.
    public let concepts: [Concept]
    /// The share of the crops' values that the concepts leave over.
    public let error: Double
    /// The share of the values that were negative and taken as zero.
    public let negativeShare: Double
    /// The number of crops.
    public let crops: Int
  }

  /// Finds concepts.
  ///
  /// - Parameters:
  ///   - inputs: Each `[1, H, W, C]`, as the model takes them.
  ///   - targets: The indices of the logits whose dependence is measured; at least one.
  ///   - classifier: The model.
  ///   - work: Is told of every batch, and ends the search where its task is cancelled.
  /// - Returns: The concepts.
  /// - Throws: ``ExplanationError``, and what the model throws.
  public func find(
    in inputs: [Tensor], targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work = .unwatched
  ) throws -> Findings {
    guard crop > 0, crop <= 1, (1...32).contains(crops) else {
      throw ExplanationError.parameter(
        "the crops", "must have a share above 0 and at most 1, and be from 1 to 32 an axis")
    }
    guard (1...SobolSequence.dimensionLimit / 2).contains(count) else {
      throw ExplanationError.parameter(
        "the number of concepts", "must be from 1 to \(SobolSequence.dimensionLimit / 2)")
    }
    for input in inputs { try ExplainedImage(input).check(for: classifier, targets: targets) }
    let name = layer ?? classifier.defaultLayer
    guard let shape = classifier.shape(of: name) else { throw UnknownValueError(name: name) }
    guard shape.rank == 4 else {
      throw ExplanationError.layerWithoutExtent(layer: name, shape: shape)
    }
    let boxes = self.boxes(classifier.inputShape)
    let evaluations = TotalSobolIndices(dimensions: count, points: points).evaluations
    // Besides, all concepts whole, and each left out.
    work.plan(inputs.count * (boxes.count + 1 + evaluations + count + 1))
    guard inputs.count * boxes.count * shape[3] <= Self.mostNumbers else {
      throw ExplanationError.unsuitable(
        "\(inputs.count * boxes.count) crops with \(shape[3]) channels are too many; take fewer "
          + "inputs")
    }
    var negatives = Negatives()
    let matrix = try cropValues(
      inputs, boxes: boxes, layer: name, of: classifier, negatives: &negatives, work: work)
    let factors = try NonnegativeFactorization(
      matrix, columns: shape[3], rank: count, seed: seed)
    var maps: [[Tensor]] = []
    var importance = [[Double]](
      repeating: [Double](repeating: 0, count: targets.count), count: count)
    var effects = importance
    for input in inputs {
      let look = try look(
        at: input, targets: targets, layer: name, of: classifier, factors: factors,
        negatives: &negatives, work: work)
      maps.append(look.maps)
      for k in 0..<count {
        for t in targets.indices {
          importance[k][t] += look.indices[t][k] / Double(inputs.count)
          effects[k][t] += look.effects[t][k] / Double(inputs.count)
        }
      }
    }
    let concepts = (0..<count).map { k in
      Concept(
        importance: importance[k], effects: effects[k],
        crops: best(factors, concept: k, boxes: boxes),
        maps: maps.map { $0[k] },
        direction: Array(factors.basis[k * shape[3]..<(k + 1) * shape[3]]))
    }
    let order = concepts.indices.sorted {
      (importance[$1][0], $0) < (importance[$0][0], $1)
    }
    return Findings(
      layer: name, concepts: order.map { concepts[$0] }, error: factors.error(of: matrix),
      negativeShare: negatives.share, crops: matrix.count / shape[3])
  }

  /// The parts of an input that are crops, evenly spaced.
  private func boxes(_ shape: Shape) -> [PixelBox] {
    func ranges(_ size: Int, _ isWhole: Bool) -> [Range<Int>] {
      let length = isWhole ? size : min(max(Int((Double(size) * crop).rounded()), 1), size)
      let count = length == size ? 1 : crops
      return (0..<count).map { i in
        let start = count > 1 ? (size - length) * i / (count - 1) : (size - length) / 2
        return start..<start + length
      }
    }
    let columns = ranges(shape[2], false)
    return ranges(shape[1], keepsHeight).flatMap { rows in
      columns.map { PixelBox(rows: rows, columns: $0) }
    }
  }

  /// The mean values of all crops, input by input.
  private func cropValues(
    _ inputs: [Tensor], boxes: [PixelBox], layer: String,
    of classifier: any DifferentiableClassifier, negatives: inout Negatives, work: Work
  ) throws -> [Double] {
    var matrix: [Double] = []
    let all = inputs.flatMap { input in boxes.map { (input, $0) } }
    for first in stride(from: 0, to: all.count, by: Self.group) {
      let part = all[first..<min(first + Self.group, all.count)]
      let passes = part.map { input, box in ForwardPass(input.enlargedPart(box)) }
      let values = try classifier.backward(
        from: [Int](), to: layer, passes: passes, rule: ExactRule())
      for found in values {
        guard found.value.isFinite else { throw ExplanationError.notFinite(layer: layer) }
        matrix += negatives.removed(from: found.value).channelMeans(of: found.value.shape)
      }
      try work.did(part.count)
    }
    return matrix
  }

  /// What an input shows of the concepts.
  private struct Look {
    let maps: [Tensor]
    /// For every target the concepts' total Sobol indices.
    let indices: [[Double]]
    /// For every target what is lost without each concept.
    let effects: [[Double]]
  }

  /// Divides an input's values among the concepts, and goes on from the layer with parts of them.
  private func look(
    at input: Tensor, targets: [Int], layer: String, of classifier: any DifferentiableClassifier,
    factors: NonnegativeFactorization, negatives: inout Negatives, work: Work
  ) throws -> Look {
    let pass = try classifier.forward(ForwardPass(input), to: layer)
    let found = try classifier.backward(from: [Int](), to: layer, passes: [pass], rule: ExactRule())
    guard let value = found.first?.value, value.isFinite else {
      throw ExplanationError.notFinite(layer: layer)
    }
    try work.did(1)
    let shares = factors.coefficients(of: negatives.removed(from: value))
    let places = value.shape[1] * value.shape[2]
    let maps = (0..<count).map { k in
      let map = (0..<places).map { Float(shares[$0 * count + k]) }
      return Tensor([value.shape[1], value.shape[2]], map)
    }
    let design = TotalSobolIndices(dimensions: count, points: points)
    let whole = [Float](repeating: 1, count: count)
    let without = (0..<count).map { k in whole.indices.map { $0 == k ? Float(0) : 1 } }
    let rows = try design.rows() + [whole] + without
    var scores = [[Double]](repeating: [], count: targets.count)
    for first in stride(from: 0, to: rows.count, by: Self.group) {
      let part = Array(rows[first..<min(first + Self.group, rows.count)])
      let logits = try classifier.logits(count: part.count, at: layer, of: pass) { index, value in
        value = factors.mixed(shares, keeping: part[index], shape: value.shape)
      }
      guard logits.isFinite else { throw ExplanationError.notFinite(layer: "the output") }
      for row in part.indices {
        for (t, target) in targets.enumerated() { scores[t].append(Double(logits[row, target])) }
      }
      try work.did(part.count)
    }
    let designed = design.evaluations
    return Look(
      maps: maps, indices: scores.map { design(Array($0.prefix(designed))).values },
      effects: scores.map { scores in
        scores[(designed + 1)...].map { scores[designed] - $0 }
      })
  }

  /// The crops that have most of a concept, at most one an input.
  private func best(
    _ factors: NonnegativeFactorization, concept: Int, boxes: [PixelBox]
  ) -> [Crop] {
    let limit = 8
    let rows = factors.coefficients.count / factors.rank
    func coefficient(_ row: Int) -> Double {
      factors.coefficients[row * factors.rank + concept]
    }
    var crops: [Crop] = []
    for row in (0..<rows).sorted(by: { (coefficient($1), $0) < (coefficient($0), $1) }) {
      let input = row / boxes.count
      guard crops.count < limit, coefficient(row) > 0 else { break }
      if crops.contains(where: { $0.input == input }) { continue }
      crops.append(
        Crop(input: input, box: boxes[row % boxes.count], coefficient: coefficient(row)))
    }
    return crops
  }

  /// Negative values, which become zero, and how much of all values they are.
  private struct Negatives {
    private var negative = 0.0
    private var all = 0.0

    var share: Double { all > 0 ? negative / all : 0 }

    mutating func removed(from value: Tensor) -> [Double] {
      value.scalars.map { number in
        all += Double(abs(number))
        if number < 0 { negative -= Double(number) }
        return Double(max(number, 0))
      }
    }
  }
}

extension NonnegativeFactorization {
  /// A layer's value made of its factors, each kept in part.
  ///
  /// - Parameters:
  ///   - shares: How much of each factor is at each place, `[places, rank]`.
  ///   - kept: How much of each factor is kept, from 0 to 1.
  ///   - shape: That of the value, `[1, h, w, C]`.
  /// - Returns: The value.
  fileprivate func mixed(_ shares: [Double], keeping kept: [Float], shape: Shape) -> Tensor {
    let channels = shape[3]
    return Tensor(uninitialized: shape) { target in
      for place in 0..<shape.count / channels {
        for c in 0..<channels {
          var sum = 0.0
          for k in 0..<rank {
            sum += Double(kept[k]) * shares[place * rank + k] * basis[k * channels + c]
          }
          target[place * channels + c] = Float(sum)
        }
      }
    }
  }
}

extension [Double] {
  /// The mean over rows and columns of every channel.
  fileprivate func channelMeans(of shape: Shape) -> [Double] {
    let channels = shape[3]
    var sums = [Double](repeating: 0, count: channels)
    for start in Swift.stride(from: 0, to: count, by: channels) {
      for c in 0..<channels { sums[c] += self[start + c] }
    }
    let positions = Double(count / channels)
    return sums.map { $0 / positions }
  }
}

extension Tensor {
  /// A part of `[1, H, W, C]` enlarged bilinearly, with half-pixel centres, to the whole's size.
  fileprivate func enlargedPart(_ box: PixelBox) -> Tensor {
    let (height, width, channels) = (shape[1], shape[2], shape[3])
    let planes = withUnsafePointer { source in
      (0..<channels).map { c in
        Tensor(uninitialized: [box.rows.count, box.columns.count]) { target in
          var place = 0
          for y in box.rows {
            for x in box.columns {
              target[place] = source[(y * width + x) * channels + c]
              place += 1
            }
          }
        }.resizedBilinear(height: height, width: width)
      }
    }
    return Tensor(uninitialized: shape) { target in
      for (c, plane) in planes.enumerated() {
        plane.withUnsafePointer { plane in
          for p in 0..<height * width { target[p * channels + c] = plane[p] }
        }
      }
    }
  }
}
