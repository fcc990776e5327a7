internal import PrismFiles

extension ModelCard {
  /// The longest card that is read, in bytes.
  static let sizeLimit = 4_000_000

  /// Reads a card and validates it; keys that are not known are passed over.
  ///
  /// - Parameters:
  ///   - json: The card.
  ///   - file: The name that errors give.
  /// - Throws: ``CardError`` with the field and what is wrong with it.
  public init(json: String, file: String) throws(CardError) {
    guard json.utf8.count <= Self.sizeLimit else {
      throw .invalid(
        file: file, field: "JSON", reason: "is longer than \(Self.sizeLimit) bytes")
    }
    let value: JSON
    do throws(JSONError) {
      value = try JSONReader.parse(json)
    } catch {
      throw .invalid(file: file, field: "JSON", reason: "is not valid: \(error.text)")
    }
    let card = CardField(file: file, path: "", value: value)
    // First, so that a card of a later format is not blamed for what this one does not know.
    let format = try card["format"].integer()
    guard format == Self.format else {
      throw card["format"].failure("is \(format), this version reads \(Self.format)")
    }
    self.init(
      name: try card["name"].string(),
      description: try card["description"].optional?.string() ?? "",
      source: try card["source"].optional?.string() ?? "",
      license: try card["license"].optional?.string() ?? "",
      architecture: try card["architecture"].choice(),
      config: try Config(
        card["config"], architecture: try card["architecture"].choice()),
      head: try card["head"].elements().map { field throws(CardError) in try HeadLayer(field) },
      output: try Output(card),
      labels: try card["labels"].elements().map { field throws(CardError) in
        try field.string()
      },
      input: try Input(card["input"]),
      layers: try Layers(card["layers"]),
      graph: try card["graph"].optional.map { field throws(CardError) in try Graph(field) })
    try validate(file: file)
  }

  /// The card as JSON; equal cards give equal text.
  public var json: String {
    var members: [JSON.Member] = [
      .init(name: "format", value: .integer(Self.format)),
      .init(name: "name", value: .string(name)),
      .init(name: "description", value: .string(description)),
      .init(name: "source", value: .string(source)),
      .init(name: "license", value: .string(license)),
      .init(name: "architecture", value: .string(architecture.rawValue)),
      .init(name: "config", value: config.json),
      .init(name: "head", value: .array(head.map(\.json))),
      .init(name: "output", value: .string(output.name)),
      .init(name: "labels", value: .array(labels.map(JSON.string))),
    ]
    if let threshold = output.threshold {
      members.append(.init(name: "threshold", value: .number(threshold)))
    }
    if case .sigmoid(_, let perLabel?) = output {
      members.append(.init(name: "thresholds", value: .array(perLabel.map(JSON.number))))
    }
    if let graph { members.append(.init(name: "graph", value: graph.json)) }
    members.append(.init(name: "input", value: input.json))
    members.append(.init(name: "layers", value: layers.json))
    return JSON.object(members).description
  }
}

// MARK: - The parts, each read and written

extension ModelCard.Config {
  fileprivate init(
    _ field: CardField, architecture: ModelCard.Architecture
  ) throws(CardError) {
    // VGG16 has neither batch normalisation nor a layer with a stride that pads; nodes tell for
    // themselves; a program's own network tells nothing.
    let isPlain = [.vgg16, .graph, .custom].contains(architecture)
    let padding = isPlain ? field["padding"].optional : field["padding"]
    let epsilon = isPlain ? field["epsilon"].optional : field["epsilon"]
    self.init(
      width: try field["width"].optional?.number() ?? 1,
      epsilon: try epsilon?.number(),
      padding: try padding?.choice() ?? .symmetric)
  }

  fileprivate var json: JSON {
    var members = [JSON.Member(name: "width", value: .number(width))]
    if let epsilon { members.append(.init(name: "epsilon", value: .number(epsilon))) }
    members.append(.init(name: "padding", value: .string(padding.rawValue)))
    return .object(members)
  }
}

extension ModelCard.HeadLayer {
  private enum Kind: String, CaseIterable {
    case globalAveragePool = "global_average_pool"
    case globalMaxPool = "global_max_pool"
    case globalConcatPool = "global_concat_pool"
    case adaptiveAveragePool = "adaptive_average_pool"
    case flatten
    case dropout
    case dense
    case batchNorm = "batch_norm"
    case layerNorm = "layer_norm"
    case activation
  }

  fileprivate init(_ field: CardField) throws(CardError) {
    let kind: Kind = try field["kind"].choice()
    switch kind {
    case .globalAveragePool: self = .globalAveragePool
    case .globalMaxPool: self = .globalMaxPool
    case .globalConcatPool:
      self = .globalConcatPool(order: try field["order"].optional?.choice() ?? .maxAverage)
    case .flatten: self = .flatten
    case .adaptiveAveragePool:
      let size = try field["size"].elements()
      guard size.count == 2 else {
        throw field["size"].failure("has \(size.count) numbers, not 2 (height, width)")
      }
      self = .adaptiveAveragePool(height: try size[0].integer(), width: try size[1].integer())
    case .dropout: self = .dropout(rate: try field["rate"].number())
    case .dense:
      self = .dense(
        name: try field["name"].string(), units: try field["units"].integer(),
        activation: try field["activation"].optional?.choice() ?? .linear)
    case .batchNorm:
      self = .batchNorm(name: try field["name"].string(), epsilon: try field["epsilon"].number())
    case .layerNorm:
      self = .layerNorm(name: try field["name"].string(), epsilon: try field["epsilon"].number())
    case .activation: self = .activation(try field["function"].choice())
    }
  }

  fileprivate var json: JSON {
    let (kind, members): (Kind, [JSON.Member]) =
      switch self {
      case .globalAveragePool: (.globalAveragePool, [])
      case .globalMaxPool: (.globalMaxPool, [])
      case .globalConcatPool(let order):
        (.globalConcatPool, [.init(name: "order", value: .string(order.rawValue))])
      case .flatten: (.flatten, [])
      case .adaptiveAveragePool(let height, let width):
        (
          .adaptiveAveragePool,
          [.init(name: "size", value: .array([.integer(height), .integer(width)]))]
        )
      case .dropout(let rate): (.dropout, [.init(name: "rate", value: .number(rate))])
      case .dense(let name, let units, let activation):
        (
          .dense,
          [
            .init(name: "name", value: .string(name)),
            .init(name: "units", value: .integer(units)),
            .init(name: "activation", value: .string(activation.rawValue)),
          ]
        )
      case .batchNorm(let name, let epsilon): (.batchNorm, Self.members(name, epsilon))
      case .layerNorm(let name, let epsilon): (.layerNorm, Self.members(name, epsilon))
      case .activation(let function):
        (.activation, [.init(name: "function", value: .string(function.rawValue))])
      }
    return .object([.init(name: "kind", value: .string(kind.rawValue))] + members)
  }
}

extension ModelCard.HeadLayer {
  /// What a normalisation's name and epsilon are called.
  private static func members(_ name: String, _ epsilon: Double) -> [JSON.Member] {
    [.init(name: "name", value: .string(name)), .init(name: "epsilon", value: .number(epsilon))]
  }
}

extension ModelCard.Output {
  private enum Kind: String, CaseIterable {
    case softmax, sigmoid, binary
  }

  fileprivate init(_ card: CardField) throws(CardError) {
    let kind: Kind = try card["output"].choice()
    switch kind {
    case .softmax: self = .softmax
    case .sigmoid:
      self = .sigmoid(
        threshold: try card["threshold"].optional?.number() ?? 0.5,
        perLabel: try card["thresholds"].optional?.numbers())
    case .binary: self = .binary(threshold: try card["threshold"].optional?.number() ?? 0.5)
    }
  }

  fileprivate var name: String {
    switch self {
    case .softmax: Kind.softmax.rawValue
    case .sigmoid: Kind.sigmoid.rawValue
    case .binary: Kind.binary.rawValue
    }
  }
}

extension ModelCard.Input {
  private enum Kind: String, CaseIterable {
    case image, audio
    case logMel = "log_mel"
  }

  fileprivate init(_ field: CardField) throws(CardError) {
    let kind: Kind = try field["kind"].choice()
    switch kind {
    case .image: self = .image(try ModelCard.ImageInput(field))
    case .audio: self = .audio(try ModelCard.AudioInput(field))
    case .logMel: self = .audio(try ModelCard.AudioInput(levels: field))
    }
  }

  fileprivate var json: JSON {
    switch self {
    case .image(let image):
      .object([.init(name: "kind", value: .string(Kind.image.rawValue))] + image.members)
    case .audio(let audio) where audio.levels != nil:
      .object(
        [.init(name: "kind", value: .string(Kind.logMel.rawValue))] + audio.levelMembers)
    case .audio(let audio):
      .object([.init(name: "kind", value: .string(Kind.audio.rawValue))] + audio.members)
    }
  }
}

extension ModelCard.ImageInput {
  fileprivate init(_ field: CardField) throws(CardError) {
    self.init(
      height: try field["height"].integer(), width: try field["width"].integer(),
      resize: try field["resize"].choice(),
      resizeSide: try field["resize_side"].optional?.integer(),
      channels: try field["channels"].choice(),
      channelCount: try field["channel_count"].optional?.integer(),
      scale: try field["scale"].number(), mean: try field["mean"].numbers(),
      std: try field["std"].numbers())
  }

  fileprivate var members: [JSON.Member] {
    [
      .init(name: "height", value: .integer(height)),
      .init(name: "width", value: .integer(width)),
      .init(name: "resize", value: .string(resize.rawValue)),
    ] + (resizeSide.map { [.init(name: "resize_side", value: .integer($0))] } ?? []) + [
      .init(name: "channels", value: .string(channels.rawValue))
    ]
      + (channelCount == channels.usualCount
        ? [] : [.init(name: "channel_count", value: .integer(channelCount))]) + [
        .init(name: "scale", value: .number(scale)),
        .init(name: "mean", value: .array(mean.map(JSON.number))),
        .init(name: "std", value: .array(std.map(JSON.number))),
      ]
  }
}

/// What both kinds of sound say of their spectrogram.
private struct Spectrum {
  let sampleRate: Int
  let seconds: Double
  let fft, hop, bands: Int
  let minimum, maximum: Double
  let melScale: ModelCard.AudioInput.MelScale

  init(_ field: CardField) throws(CardError) {
    sampleRate = try field["sample_rate"].integer()
    seconds = try field["seconds"].number()
    fft = try field["fft"].integer()
    hop = try field["hop"].integer()
    bands = try field["mel_bands"].integer()
    minimum = try field["fmin"].optional?.number() ?? 0
    maximum = try field["fmax"].optional?.number() ?? Double(sampleRate) / 2
    melScale = try field["mel_scale"].optional?.choice() ?? .slaney
  }
}

extension ModelCard.AudioInput {
  fileprivate init(_ field: CardField) throws(CardError) {
    let sound = try Spectrum(field)
    self.init(
      sampleRate: sound.sampleRate, seconds: sound.seconds, fft: sound.fft, hop: sound.hop,
      bands: sound.bands, minimum: sound.minimum, maximum: sound.maximum, melScale: sound.melScale,
      range: try field["db_range"].number(), colors: try field["colors"].choice(),
      orientation: try field["orientation"].choice(), image: try ModelCard.ImageInput(field))
  }

  fileprivate var members: [JSON.Member] {
    spectrumMembers + [
      .init(name: "db_range", value: .number(range)),
      .init(name: "colors", value: .string(colors.rawValue)),
      .init(name: "orientation", value: .string(orientation.rawValue)),
    ] + image.members
  }

  fileprivate init(levels field: CardField) throws(CardError) {
    let sound = try Spectrum(field)
    self.init(
      sampleRate: sound.sampleRate, seconds: sound.seconds, fft: sound.fft, hop: sound.hop,
      bands: sound.bands, minimum: sound.minimum, maximum: sound.maximum, melScale: sound.melScale,
      frames: try field["frames"].optional?.integer(),
      levels: Levels(
        floor: try field["power_floor"].optional?.number() ?? 1e-10,
        norm: try field["mel_norm"].optional?.choice() ?? .slaney,
        range: try field["decibel_range"].optional?.number(),
        logarithm: try field["logarithm"].optional?.choice() ?? .decibel,
        edges: try field["edges"].optional?.choice() ?? .reflect,
        axes: try field["axes"].optional?.choice() ?? .framesBands,
        mean: try field["mean"].optional?.numbers() ?? [0],
        std: try field["std"].optional?.numbers() ?? [1]))
  }

  /// What both kinds of input say of their spectrogram.
  private var spectrumMembers: [JSON.Member] {
    [
      .init(name: "sample_rate", value: .integer(sampleRate)),
      .init(name: "seconds", value: .number(seconds)),
      .init(name: "fft", value: .integer(fft)),
      .init(name: "hop", value: .integer(hop)),
      .init(name: "mel_bands", value: .integer(bands)),
      .init(name: "fmin", value: .number(minimum)),
      .init(name: "fmax", value: .number(maximum)),
      .init(name: "mel_scale", value: .string(melScale.rawValue)),
    ]
  }

  fileprivate var levelMembers: [JSON.Member] {
    guard let levels else { return [] }
    return spectrumMembers + [
      .init(name: "mel_norm", value: .string(levels.norm.rawValue)),
      .init(name: "power_floor", value: .number(levels.floor)),
      .init(name: "decibel_range", value: levels.range.map(JSON.number) ?? .null),
      .init(name: "logarithm", value: .string(levels.logarithm.rawValue)),
      .init(name: "edges", value: .string(levels.edges.rawValue)),
      .init(name: "axes", value: .string(levels.axes.rawValue)),
      .init(name: "frames", value: .integer(frames)),
      .init(name: "mean", value: .array(levels.mean.map(JSON.number))),
      .init(name: "std", value: .array(levels.std.map(JSON.number))),
    ]
  }
}

extension ModelCard.Layers {
  fileprivate init(_ field: CardField) throws(CardError) {
    self.init(
      default: try field["default"].string(),
      aliases: try field["aliases"].optional?.strings() ?? [:])
  }

  fileprivate var json: JSON {
    let sorted = aliases.sorted { $0.key < $1.key }
    return .object([
      .init(name: "default", value: .string(`default`)),
      .init(
        name: "aliases",
        value: .object(sorted.map { .init(name: $0.key, value: .string($0.value)) })),
    ])
  }
}
