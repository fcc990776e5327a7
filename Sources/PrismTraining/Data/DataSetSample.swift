extension DataSet {
  /// What is true of one sample.
  public enum Truth: Sendable, Equatable {
    /// The index of its only label.
    case label(Int)
    /// For every label 1, 0, or NaN where it is not known.
    case labels([Float])

    /// Whether a label is there, or `nil` where that is not known.
    public func has(_ label: Int) -> Bool? {
      switch self {
      case .label(let index): index == label
      case .labels(let values): values[label].isNaN ? nil : values[label] == 1
      }
    }

    /// What two rows of a table say together of one file; `nil` where they say labels of it that
    /// exclude each other.
    package func joined(with other: Truth) -> Truth? {
      switch (self, other) {
      case (.labels(let a), .labels(let b)) where a.count == b.count:
        // What is there in one row is there; what is known of one is known.
        .labels(zip(a, b).map { $0.isNaN ? $1 : $1.isNaN ? $0 : max($0, $1) })
      default: agrees(with: other) ? self : nil
      }
    }

    /// Whether both say the same, where what is not known equals what is not known.
    func agrees(with other: Truth) -> Bool {
      switch (self, other) {
      case (.label(let a), .label(let b)): a == b
      case (.labels(let a), .labels(let b)):
        a.count == b.count && zip(a, b).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }
      default: false
      }
    }
  }

  /// One file with what is true of it.
  public struct Sample: Sendable, Equatable, Codable {
    /// The path of the file.
    public let path: String
    /// Its labels.
    public let truth: Truth

    /// Makes a sample.
    public init(path: String, truth: Truth) {
      self.path = path
      self.truth = truth
    }

    /// The last two parts of the path: where the data lie must not matter.
    var shortPath: String { path.split(separator: "/").suffix(2).joined(separator: "/") }
  }

  /// A part of the data with one purpose.
  public struct Split: Sendable, Equatable, Codable {
    /// `training`, `validation` or `testing`; `all` for the union of the others.
    public let name: String
    /// The samples whose files are there, in a fixed order.
    public let samples: [Sample]
    /// What is true of the samples whose files are missing.
    public let missing: [Sample]

    /// The same split without the samples whose file is missing.
    var present: Split { Split(name: name, samples: samples, missing: []) }

    /// The number of samples with each label, whether the file is there or not.
    public func counts(of labels: Int) -> [Int] {
      var counts = [Int](repeating: 0, count: labels)
      for sample in samples + missing {
        switch sample.truth {
        case .label(let index): counts[index] += 1
        case .labels(let values):
          for (i, value) in values.enumerated() where value == 1 { counts[i] += 1 }
        }
      }
      return counts
    }

    /// The number of samples of which each label is not known.
    public func unknownCounts(of labels: Int) -> [Int] {
      var counts = [Int](repeating: 0, count: labels)
      for sample in samples + missing {
        guard case .labels(let values) = sample.truth else { continue }
        for (i, value) in values.enumerated() where value.isNaN { counts[i] += 1 }
      }
      return counts
    }
  }
}

/// An index, or a list with `null` for what is not known: JSON has no NaN.
extension DataSet.Truth: Codable {
  /// Reads a truth.
  ///
  /// - Throws: `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let index = try? container.decode(Int.self) {
      self = .label(index)
    } else {
      self = .labels(try container.decode([Float?].self).map { $0 ?? .nan })
    }
  }

  /// Writes a truth.
  ///
  /// - Throws: `EncodingError`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .label(let index): try container.encode(index)
    case .labels(let values):
      try container.encode(values.map { $0.isNaN ? nil : Optional($0) })
    }
  }
}
