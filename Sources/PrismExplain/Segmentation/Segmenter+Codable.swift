extension Segmenter: Codable {
  private enum Kind: String, Codable {
    case labels, grid, quickshift, slic, felzenszwalb
  }

  private enum CodingKeys: String, CodingKey {
    case kind, labels, rows, columns, kernelSize, maximumDistance, ratio, count, compactness
    case isConnected, scale, sigma, minimumSize
  }

  /// Reads a segmenter by its kind.
  ///
  /// - Throws: `DecodingError`, ``ExplanationError/labels(_:)``.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func value<Value: Decodable>(_ key: CodingKeys) throws -> Value {
      try container.decode(Value.self, forKey: key)
    }
    switch try container.decode(Kind.self, forKey: .kind) {
    case .labels: self = .labels(try value(.labels))
    case .grid: self = .grid(rows: try value(.rows), columns: try value(.columns))
    case .quickshift:
      self = .quickshift(
        kernelSize: try value(.kernelSize), maximumDistance: try value(.maximumDistance),
        ratio: try value(.ratio))
    case .slic:
      self = .slic(
        count: try value(.count), compactness: try value(.compactness),
        isConnected: try value(.isConnected))
    case .felzenszwalb:
      self = .felzenszwalb(
        scale: try value(.scale), sigma: try value(.sigma), minimumSize: try value(.minimumSize))
    }
  }

  /// Writes the kind and the numbers that belong to it.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .labels(let segmentation):
      try container.encode(Kind.labels, forKey: .kind)
      try container.encode(segmentation, forKey: .labels)
    case .grid(let rows, let columns):
      try container.encode(Kind.grid, forKey: .kind)
      try container.encode(rows, forKey: .rows)
      try container.encode(columns, forKey: .columns)
    case .quickshift(let kernelSize, let maximumDistance, let ratio):
      try container.encode(Kind.quickshift, forKey: .kind)
      try container.encode(kernelSize, forKey: .kernelSize)
      try container.encode(maximumDistance, forKey: .maximumDistance)
      try container.encode(ratio, forKey: .ratio)
    case .slic(let count, let compactness, let isConnected):
      try container.encode(Kind.slic, forKey: .kind)
      try container.encode(count, forKey: .count)
      try container.encode(compactness, forKey: .compactness)
      try container.encode(isConnected, forKey: .isConnected)
    case .felzenszwalb(let scale, let sigma, let minimumSize):
      try container.encode(Kind.felzenszwalb, forKey: .kind)
      try container.encode(scale, forKey: .scale)
      try container.encode(sigma, forKey: .sigma)
      try container.encode(minimumSize, forKey: .minimumSize)
    }
  }
}
