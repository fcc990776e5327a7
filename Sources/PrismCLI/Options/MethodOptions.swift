internal import ArgumentParser
internal import Prism
internal import PrismReport

/// Which methods explain what, and how.
struct MethodOptions: ParsableArguments {
  @Option(
    name: [.customLong("method"), .customLong("methods")],
    help: ArgumentHelp(
      "The methods, separated by commas; `list` tells what there is.", valueName: "methods"))
  var names = "gradcam"

  @Option(
    name: [.customLong("target"), .customLong("targets")],
    help: ArgumentHelp(
      """
      What to explain, separated by commas: labels, indices, top, top3, above-threshold, all. \
      (default: top; both labels of a binary model)
      """, valueName: "targets"))
  var target: String?

  @Option(
    help: ArgumentHelp(
      "The layer that CAM methods look at; `prism layers` lists them. (default: the model's)",
      valueName: "name"))
  var layer: String?

  @Option(
    help: ArgumentHelp(
      "How often a method may evaluate the model; the steps of ig. (default: the method's)",
      valueName: "n"))
  var samples: Int?

  @Option(help: ArgumentHelp("The seed of all draws.", valueName: "seed"))
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
    help: ArgumentHelp(
      """
      What stands for what is not there: blur:K, mean, segment-mean, noise, inpaint, black, or \
      a number in the network's input. (default: the method's)
      """, valueName: "mask"))
  var mask: String?

  @Flag(help: "Draw samples until the ranking of the top three parts is sure, or the limit is met.")
  var untilStable = false

  @Option(
    help: ArgumentHelp("How sure --until-stable wants to be.", valueName: "probability"))
  var confidence = 0.95

  @Option(
    help: ArgumentHelp(
      "How many changed pictures are given to the model at a time; results do not depend on it.",
      valueName: "n"))
  var batch: Int?

  func validate() throws {
    if let batch, batch < 1 { throw ValidationError("--batch must be at least 1") }
    if !isListing { _ = try methods() }
  }

  /// Whether the methods are to be listed, not used.
  var isListing: Bool { names == "list" }

  /// The methods in the order in which they were named.
  func methods() throws(ValidationError) -> [ExplanationMethod] {
    var methods: [ExplanationMethod] = []
    for part in names.split(separator: ",", omittingEmptySubsequences: false) {
      let name = String(part)
      guard let method = ExplanationMethod(rawValue: name) else {
        let known = ExplanationMethod.allCases.map(\.rawValue)
        throw ValidationError(
          "there is no method called \(name)"
            + (Text.nearest(to: name, among: known).map { "; did you mean \($0)?" }
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
        throw RequestError.unused(
          option, by: methods.map(\.rawValue), takers: takers.map(\.rawValue))
      }
    }
    if let samples, samples < 1 { throw RequestError.samples(samples) }
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
