internal import PrismTensor

extension Masker: Codable {
  private enum Kind: String, Codable {
    case constant, black, mean, segmentMean, blur, noise, image, inpainting, inpaintTelea
    case inpaintNavierStokes
  }

  private enum CodingKeys: String, CodingKey {
    case kind, values, rows, columns, seed, image, sweeps, radius
  }

  /// Reads a masker by its kind.
  ///
  /// - Throws: `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func value<Value: Decodable>(_ key: CodingKeys) throws -> Value {
      try container.decode(Value.self, forKey: key)
    }
    switch try container.decode(Kind.self, forKey: .kind) {
    case .constant: self = .constant(try value(.values))
    case .black: self = .black
    case .mean: self = .mean
    case .segmentMean: self = .segmentMean
    case .blur: self = .blur(rows: try value(.rows), columns: try value(.columns))
    case .noise: self = .noise(seed: try value(.seed))
    case .image: self = .image(try value(.image))
    case .inpainting: self = .inpainting(sweeps: try value(.sweeps))
    case .inpaintTelea: self = .inpaintTelea(radius: try value(.radius))
    case .inpaintNavierStokes: self = .inpaintNavierStokes(radius: try value(.radius))
    }
  }

  /// Writes the kind and the numbers that belong to it.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .constant(let values):
      try container.encode(Kind.constant, forKey: .kind)
      try container.encode(values, forKey: .values)
    case .black: try container.encode(Kind.black, forKey: .kind)
    case .mean: try container.encode(Kind.mean, forKey: .kind)
    case .segmentMean: try container.encode(Kind.segmentMean, forKey: .kind)
    case .blur(let rows, let columns):
      try container.encode(Kind.blur, forKey: .kind)
      try container.encode(rows, forKey: .rows)
      try container.encode(columns, forKey: .columns)
    case .noise(let seed):
      try container.encode(Kind.noise, forKey: .kind)
      try container.encode(seed, forKey: .seed)
    case .image(let image):
      try container.encode(Kind.image, forKey: .kind)
      try container.encode(image, forKey: .image)
    case .inpainting(let sweeps):
      try container.encode(Kind.inpainting, forKey: .kind)
      try container.encode(sweeps, forKey: .sweeps)
    case .inpaintTelea(let radius):
      try container.encode(Kind.inpaintTelea, forKey: .kind)
      try container.encode(radius, forKey: .radius)
    case .inpaintNavierStokes(let radius):
      try container.encode(Kind.inpaintNavierStokes, forKey: .kind)
      try container.encode(radius, forKey: .radius)
    }
  }
}
