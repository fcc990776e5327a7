/// Something that a map of a picture is measured by; every one is a number a map.
public enum MapMeasure: String, Sendable, CaseIterable, Codable {
  /// The pointing game: whether the largest value lies in the right region or close to it, or the
  /// share of several equal ones that does.
  case pointing
  /// Whether the largest value lies in the right region, or the share of several that does.
  case hit
  /// The intersection over the union of the right region and what the map points at.
  case iou
  /// The share of the positive attribution in the right region.
  case inside
  /// The area under the curve of insertion.
  case insertion
  /// The area under the curve of deletion.
  case deletion
  /// Insertion less deletion.
  case difference
  /// ROAD, the least relevant first.
  case roadLeast = "road-lerf"
  /// ROAD, the most relevant first.
  case roadMost = "road-morf"
  /// ROAD, both orders.
  case road
  /// Infidelity, relative to that of a map that predicts nothing.
  case infidelity
  /// The largest change under slight noise.
  case sensitivity
  /// How alike the map stays while the network is randomised.
  case randomization
  /// How alike maps of other seeds are.
  case stability
  /// What is missing of the sum that a method promises, relative to what is explained.
  case completeness
  /// The Gini index.
  case sparseness
  /// How long the map took.
  case seconds

  /// Which way is good.
  public enum Direction: String, Sendable, Codable {
    /// Large numbers are good.
    case large
    /// Small numbers are good.
    case small
    /// Neither is.
    case neither
  }

  /// Which way is good.
  public var better: Direction {
    switch self {
    case .pointing, .hit, .iou, .inside, .insertion, .difference, .roadLeast, .road, .stability:
      .large
    case .deletion, .roadMost, .infidelity, .sensitivity, .randomization, .completeness, .seconds:
      .small
    case .sparseness: .neither
    }
  }

  /// Whether the measure needs to know the right region.
  public var needsTruth: Bool {
    switch self {
    case .pointing, .hit, .iou, .inside: true
    default: false
    }
  }

  /// Whether one number is better than another.
  ///
  /// - Parameters:
  ///   - first: The one.
  ///   - second: The other.
  /// - Returns: `false` for equals, and where neither direction is good.
  public func isBetter(_ first: Double, than second: Double) -> Bool {
    switch better {
    case .large: first > second
    case .small: first < second
    case .neither: false
    }
  }

  /// The name in tables, with the direction that is good.
  public var title: String {
    switch better {
    case .large: shortTitle + " ↑"
    case .small: shortTitle + " ↓"
    case .neither: shortTitle
    }
  }

  /// The name in tables.
  public var shortTitle: String {
    switch self {
    case .pointing: "pointing game"
    case .hit: "hit rate"
    case .iou: "mIoU"
    case .inside: "inside"
    case .insertion: "insertion"
    case .deletion: "deletion"
    case .difference: "insertion − deletion"
    case .roadLeast: "ROAD LeRF"
    case .roadMost: "ROAD MoRF"
    case .road: "ROAD"
    case .infidelity: "infidelity"
    case .sensitivity: "sensitivity"
    case .randomization: "randomised"
    case .stability: "stability"
    case .completeness: "completeness gap"
    case .sparseness: "sparseness"
    case .seconds: "seconds"
    }
  }

  /// The name in sentences.
  public var noun: String {
    switch self {
    case .pointing: "the pointing game"
    case .hit: "the hit rate"
    case .iou: "mIoU"
    case .inside: "the share of positive attribution inside"
    case .difference: "insertion less deletion"
    case .roadLeast: "ROAD with the least relevant first"
    case .roadMost: "ROAD with the most relevant first"
    case .road: "ROAD"
    case .randomization: "the randomisation test"
    case .completeness: "the completeness gap"
    case .seconds: "time"
    default: rawValue
    }
  }

  /// What it means, in one line.
  public var meaning: String {
    switch self {
    case .pointing:
      "whether the map's largest value lies in the right region or at most 3 % of the shorter side "
        + "beside it (15 pixels of 500, as in the pointing game); of equal largest values their share"
    case .hit:
      "whether the map's largest value lies in the right region (CheXlocalize); of equal largest "
        + "values the share that does"
    case .iou:
      "overlap of the right region with what the map points at, above Otsu's threshold of its "
        + "positive part; mean intersection over union (CheXlocalize)"
    case .inside:
      "the share of the positive attribution in the right region (Quantus: attribution localisation)"
    case .insertion:
      "mean probability while pixels are brought into a blurred picture, the most important first"
    case .deletion: "mean probability while pixels are set to zero, the most important first"
    case .difference: "insertion less deletion"
    case .roadLeast:
      "mean probability while 10 to 90 % of the pixels, the least important, are imputed (ROAD)"
    case .roadMost:
      "mean probability while 10 to 90 % of the pixels, the most important, are imputed (ROAD)"
    case .road: "half of ROAD LeRF less ROAD MoRF"
    case .infidelity:
      "how wrongly the scaled map predicts what removing squares does; 0 perfect, 1 worthless"
    case .sensitivity: "largest relative change of the map under slight noise (10 draws)"
    case .randomization:
      "mean rank correlation with the map of the network with randomised layers; a method from 0.5 "
        + "up tells little about the network"
    case .stability: "mean rank correlation of maps of 3 seeds; 1 for methods that draw nothing"
    case .completeness: "what is missing of the promised sum, relative to what is explained"
    case .sparseness: "the Gini index of the magnitudes; neither way is better"
    case .seconds:
      "time for a map; labels that are explained in one pass share it, and so do methods the forward "
        + "pass that they begin with"
    }
  }
}

/// A group of measures that costs evaluations of the model, and is made where asked for.
public enum MapTest: String, Sendable, CaseIterable, Codable {
  /// Insertion and deletion.
  case curves
  /// ROAD in both orders.
  case road
  /// Infidelity.
  case infidelity
  /// The largest change under slight noise.
  case sensitivity
  /// The test by randomised layers.
  case randomization
  /// The agreement of several seeds.
  case stability

  /// What it costs for a map, in words.
  public var cost: String {
    switch self {
    case .curves: "\(2 * (MapJudge.fewPoints + 1)) evaluations"
    case .road: "18 evaluations and 18 times filling in"
    case .infidelity: "101 evaluations a picture and label, for all methods together"
    case .sensitivity: "the method 11 times"
    case .randomization: "the method 7 times, and 6 networks"
    case .stability: "the method 3 times, where it draws"
    }
  }
}
