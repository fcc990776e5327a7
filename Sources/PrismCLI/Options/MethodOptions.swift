internal import ArgumentParser
internal import Prism

/// Which methods explain what, and how.
struct MethodOptions: ParsableArguments {
  @Option(
    name: [.customLong("method"), .customLong("methods")],
    help: ArgumentHelp(
      """
      The methods, separated by commas, in any case; `list` tells what there is, what each needs \
      and what it costs.
      """, valueName: "methods"), completion: .list(ExplanationMethod.allCases.map(\.rawValue)))
  var names = "gradcam"

  @Option(
    name: [.customLong("target"), .customLong("targets")],
    help: ArgumentHelp(
      """
      What to explain, separated by commas: labels of the model, their indices (from 0), top, \
      top3, above-threshold (of labels that do not exclude each other), all. (default: top; both \
      labels of a model that has two)
      """, valueName: "targets"))
  var target: String?

  @Option(
    help: ArgumentHelp(
      "The layer that CAM methods look at; `prism layers` lists them. (default: the model's)",
      valueName: "name"))
  var layer: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      How often a method may evaluate the model, where it draws samples; for ig the steps of the \
      path. (default: the method's)
      """,
      valueName: "n"))
  var samples: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Selects all random draws; the same seed gives the same numbers.", valueName: "n"))
  var seed: UInt64 = 0

  @Option(
    help: ArgumentHelp(
      """
      How lime and kernelshap divide the picture: quickshift, slic[:N], felzenszwalb[:SCALE], \
      grid:RxC, or a map of labels, FILE.npy or FILE.png. (default: quickshift; of a \
      spectrogram grid:8x10, mel bands by time)
      """, valueName: "segments"))
  var segments: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      What takes the place of parts that are removed: blur:K (K pixels), mean, segment-mean, \
      noise, inpaint, black, or a number in the network's input. (default: the method's)
      """, valueName: "mask"))
  var mask: String?

  @Flag(
    help: """
      Draw samples until the ranking of the top three parts is sure, at most --samples, or ten \
      times as many as usual.
      """)
  var untilStable = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How sure of the ranking --until-stable wants to be.", valueName: "probability"))
  var confidence = 0.95

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      The most changed pictures that the model is given at a time, for less memory; the results \
      are the same for any number.
      """,
      valueName: "n"))
  var batch: Int?

  func validate() throws {
    if let batch, batch < 1 { throw ValidationError("--batch is \(batch); it must be at least 1") }
    guard confidence > 0, confidence < 1 else {
      throw ValidationError("--confidence is \(confidence); it must be between 0 and 1")
    }
    if !isListing { _ = try methods() }
  }

  /// Whether the methods are to be listed, not used.
  var isListing: Bool { names.lowercased() == "list" }

  /// The methods in the order in which they were named.
  func methods() throws(ValidationError) -> [ExplanationMethod] {
    var methods: [ExplanationMethod] = []
    for part in names.split(separator: ",", omittingEmptySubsequences: false) {
      let name = String(part)
      guard let method = ExplanationMethod(named: name) else {
        let known = ExplanationMethod.allCases.map(\.rawValue)
        throw ValidationError(
          "there is no method called \(name)"
            + (Text.nearest(to: name.lowercased(), among: known).map { "; did you mean \($0)?" }
              ?? "; --method list shows what there is"))
      }
      if !methods.contains(method) { methods.append(method) }
    }
    return methods
  }

  /// What the options mean for a model; says what does not fit before any picture is read.
  func settings(for model: Model) throws -> ExplanationMethod.Settings {
    let methods = try methods()
    let given: [(option: String, isGiven: Bool, choice: ExplanationMethod.Choice)] = [
      ("--layer", layer != nil, .layer), ("--samples", samples != nil, .samples),
      ("--segments", segments != nil, .segments), ("--mask", mask != nil, .mask),
      ("--until-stable", untilStable, .stopping),
    ]
    for (option, isGiven, choice) in given where isGiven {
      guard methods.contains(where: { $0.choices.contains(choice) }) else {
        let takers = ExplanationMethod.allCases.filter { $0.choices.contains(choice) }
        throw MethodError.unused(
          option, by: methods.map(\.rawValue), takers: takers.map(\.rawValue))
      }
    }
    if let samples, samples < 1 { throw MethodError.samples(samples) }
    var settings = ExplanationMethod.Settings(
      layer: layer, samples: samples, seed: seed,
      stopping: untilStable ? StoppingRule(confidence: confidence) : nil)
    let size = model.card.input.image
    settings.segmenter = try segments.map {
      try Segmenter(argument: $0, height: size.height, width: size.width)
    }
    if model.card.input.audio != nil {
      settings.segmenter = try Segmenter.forSound(settings.segmenter, argument: segments)
    }
    settings.masker = try mask.map { try Masker(argument: $0, seed: seed) }
    return settings
  }

  /// The chosen methods, ready to run.
  func explainers(for model: Model) throws -> [any Explainer] {
    let settings = try settings(for: model)
    return try methods().map { $0.explainer(settings) }
  }

  /// The entries of a prediction that are explained.
  func targets(of prediction: Prediction, for model: Model) throws -> [Prediction.Entry] {
    let usual = if case .binary = model.card.output { "all" } else { "top" }
    return try Target.entries(target ?? usual, of: prediction)
  }
}

/// Why the options of methods make no sense together.
enum MethodError: Error, CustomStringConvertible {
  case unused(String, by: [String], takers: [String])
  case samples(Int)
  case segments(String)
  case labelFile(String, reason: String)
  case mask(String)

  var description: String {
    switch self {
    case .unused(let option, let methods, let takers):
      "\(option) means nothing to \(methods.joined(separator: ", ")); it is for "
        + takers.joined(separator: ", ")
    case .samples(let samples): "--samples is \(samples); a method needs at least 1"
    case .segments(let text):
      "--segments \(text) is not known; choose quickshift, slic[:N], felzenszwalb[:SCALE], grid:RxC, "
        + "or a file that ends with .npy or .png"
    case .labelFile(let path, let reason): "\(path): \(reason)"
    case .mask(let text):
      "--mask \(text) is not known; choose blur:K, mean, segment-mean, noise, inpaint, black or a number"
    }
  }
}
