public import Prism

/// What is to be explained, by which methods and how: everything that a result depends on but the
/// input and the model's weights.
public struct ExplanationRequest: Codable, Sendable, Equatable {
  /// The most evaluations that a method may be asked for, so that sums of them stay whole numbers.
  public static let mostSamples = 1_000_000_000

  /// A method with what was chosen for it; what is left out is the method's default.
  public struct Method: Codable, Sendable, Equatable {
    /// The method's name, such as `gradcam`.
    public var name: String
    /// The layer that is looked at.
    public var layer: String?
    /// How often the model may be evaluated.
    public var samples: Int?
    /// How the picture is divided, as text.
    public var segments: String?
    /// What stands for what is not there, as text.
    public var mask: String?
    /// How sure of the ranking the method draws until it is; `nil` to draw all samples.
    public var confidence: Double?
    /// Which number of the model is explained.
    public var quantity: Quantity?
    /// Which rules relevance is shared out by.
    public var composite: LRP.Composite?
    /// Which samples are drawn.
    public var draws: ExplanationMethod.Draws?

    /// Makes a method with its defaults.
    public init(_ name: String) { self.name = name }
  }

  /// A number that a model gives a label.
  public enum Quantity: String, Codable, Sendable, CaseIterable {
    /// The label's score before softmax or sigmoid.
    case logit
    /// The label's probability, as the model's labels make it.
    case probability
  }

  /// What is made of an input.
  public enum Purpose: String, Codable, Sendable {
    /// A map a method and label.
    case explanation
    /// The maps side by side, judged.
    case comparison
  }

  /// Tests beyond the usual measures, which run every method several times.
  public struct Tests: Codable, Sendable, Equatable {
    /// Whether maps fall apart with the network's layers.
    public var sanity = false
    /// How much maps change with noise in the input.
    public var sensitivity = false
    /// How much maps depend on the seed.
    public var stability = false

    /// Makes a choice without tests.
    public init() {}
  }

  /// What is made.
  public var purpose = Purpose.explanation
  /// The model's name or path.
  public var model: String
  /// The methods.
  public var methods: [Method]
  /// Which labels are explained, as text; `nil` for the most probable, or both of a binary model.
  public var targets: String?
  /// Selects all random draws.
  public var seed: UInt64 = 0
  /// The most changed pictures that the model is given at a time; no result depends on it.
  public var batch: Int?
  /// What one input may take.
  public var limits = Limits.current
  /// What is written besides the document.
  public var formats: [ResultFormat]
  /// Which windows of a sound are explained, as text; `nil` for the strongest.
  public var windows: String?
  /// How sounds are read and judged.
  public var sound = SoundReading()
  /// Where maps ought to be: the path of a mask, of a folder of masks or of a table of them.
  public var truth: String?
  /// Tests of a comparison.
  public var tests = Tests()
  /// How pictures are read.
  public var pictures = PictureReading()
  /// Whether figures frame the strongest regions of pictures.
  public var showsRegions = false

  /// Makes a request.
  ///
  /// - Parameters:
  ///   - model: The model's name or path.
  ///   - methods: The methods.
  ///   - formats: What is written besides the document.
  public init(model: String, methods: [Method], formats: [ResultFormat] = [.png, .npy]) {
    self.model = model
    self.methods = methods
    self.formats = formats
  }

  /// Reads a request in which everything but the model and the methods may be left out.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    model = try values.decode(String.self, forKey: .model)
    methods = try values.decode([Method].self, forKey: .methods)
    formats = try values.decodeIfPresent([ResultFormat].self, forKey: .formats) ?? [.png, .npy]
    purpose = try values.decodeIfPresent(Purpose.self, forKey: .purpose) ?? .explanation
    targets = try values.decodeIfPresent(String.self, forKey: .targets)
    seed = try values.decodeIfPresent(UInt64.self, forKey: .seed) ?? 0
    batch = try values.decodeIfPresent(Int.self, forKey: .batch)
    limits = try values.decodeIfPresent(Limits.self, forKey: .limits) ?? .current
    windows = try values.decodeIfPresent(String.self, forKey: .windows)
    sound = try values.decodeIfPresent(SoundReading.self, forKey: .sound) ?? SoundReading()
    truth = try values.decodeIfPresent(String.self, forKey: .truth)
    tests = try values.decodeIfPresent(Tests.self, forKey: .tests) ?? Tests()
    pictures =
      try values.decodeIfPresent(PictureReading.self, forKey: .pictures) ?? PictureReading()
    showsRegions = try values.decodeIfPresent(Bool.self, forKey: .showsRegions) ?? false
  }
}

extension ExplanationRequest {
  /// Methods that share what was chosen; each is given what it knows.
  ///
  /// - Parameters:
  ///   - methods: The methods.
  ///   - choices: What was chosen; its name does not matter.
  /// - Returns: The methods with their choices.
  /// - Throws: ``RequestError/unused(_:by:takers:)`` for a choice that none of the methods knows.
  public static func methods(
    _ methods: [ExplanationMethod], sharing choices: Method
  ) throws(RequestError) -> [Method] {
    let given: [(option: String, isGiven: Bool, choice: ExplanationMethod.Choice)] = [
      ("--layer", choices.layer != nil, .layer), ("--samples", choices.samples != nil, .samples),
      ("--segments", choices.segments != nil, .segments), ("--mask", choices.mask != nil, .mask),
      ("--until-stable", choices.confidence != nil, .stopping),
      ("--explain", choices.quantity != nil, .output),
      ("--composite", choices.composite != nil, .composite),
      ("--draws", choices.draws != nil, .draws),
    ]
    for (option, isGiven, choice) in given where isGiven {
      guard methods.contains(where: { $0.choices.contains(choice) }) else {
        let takers = ExplanationMethod.allCases.filter { $0.choices.contains(choice) }
        throw .unused(option, by: methods.map(\.rawValue), takers: takers.map(\.rawValue))
      }
    }
    return methods.map { method in
      let known = method.choices
      var result = Method(method.rawValue)
      if known.contains(.layer) { result.layer = choices.layer }
      if known.contains(.samples) { result.samples = choices.samples }
      if known.contains(.segments) { result.segments = choices.segments }
      if known.contains(.mask) { result.mask = choices.mask }
      if known.contains(.stopping) { result.confidence = choices.confidence }
      if known.contains(.output) { result.quantity = choices.quantity }
      if known.contains(.composite) { result.composite = choices.composite }
      if known.contains(.draws) { result.draws = choices.draws }
      return result
    }
  }
}

extension ExplanationRequest.Method {
  /// The method that the name means.
  ///
  /// - Throws: ``RequestError/unknownMethod(_:nearest:)``.
  func method() throws(RequestError) -> ExplanationMethod {
    guard let method = ExplanationMethod(named: name) else {
      let known = ExplanationMethod.allCases.map(\.rawValue)
      throw .unknownMethod(name, nearest: Text.nearest(to: name.lowercased(), among: known))
    }
    return method
  }

  /// What was chosen, for a model.
  ///
  /// - Throws: ``RequestError``, ``InputKindError``; what a file of labels cannot be read for.
  func settings(for model: Model, seed: UInt64) throws -> ExplanationMethod.Settings {
    if let samples, !(1...ExplanationRequest.mostSamples).contains(samples) {
      throw RequestError.samples(samples)
    }
    var settings = ExplanationMethod.Settings(
      layer: layer, samples: samples, seed: seed,
      stopping: confidence.map { StoppingRule(confidence: $0) }, composite: composite,
      draws: draws)
    let size = model.card.input.image
    settings.segmenter = try segments.map {
      try Segmenter(argument: $0, height: size.height, width: size.width)
    }
    if model.card.input.audio != nil {
      settings.segmenter = try Segmenter.forSound(settings.segmenter, argument: segments)
    }
    settings.masker = try mask.map { try Masker(argument: $0, seed: seed) }
    settings.output = quantity.map { quantity in
      guard quantity == .probability else { return .logit }
      let excludeEachOther = if case .softmax = model.card.output { true } else { false }
      return .probability(labelsExcludeEachOther: excludeEachOther)
    }
    return settings
  }
}

extension WindowChoice {
  /// Reads which windows are meant: `all`, `top3`, or times in seconds separated by commas.
  ///
  /// - Parameter text: The text; `nil` for the strongest window.
  /// - Throws: ``RequestError/windows(_:)``.
  public init(_ text: String?) throws(RequestError) {
    guard let text else {
      self = .strongest(1)
      return
    }
    let word = text.lowercased()
    if word == "all" {
      self = .all
    } else if word == "top" {
      self = .strongest(1)
    } else if word.hasPrefix("top"), let count = Int(word.dropFirst(3)), count > 0 {
      self = .strongest(count)
    } else {
      let times = word.split(separator: ",", omittingEmptySubsequences: false).map {
        Double($0.hasSuffix("s") ? $0.dropLast() : $0)
      }
      let known = times.compactMap { $0 }
      guard known.count == times.count, known.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
        throw .windows(text)
      }
      self = .starts(known)
    }
  }
}
