internal import ArgumentParser
internal import Prism
internal import PrismReport

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
      top3, above-threshold (of labels that do not exclude each other), all; or one label against \
      another, husky-vs-malamute: the difference of their logits. (default: top; both labels of a \
      model that has two)
      """, valueName: "targets"))
  var target: String?

  @Option(
    name: [.customLong("window"), .customLong("windows")],
    help: ArgumentHelp(
      """
      Which windows of a long sound are explained: those that begin nearest to times in seconds, \
      separated by commas, or all, or top3. (default: the one that speaks most for the label)
      """, valueName: "windows"))
  var windows: String?

  @Option(
    help: ArgumentHelp(
      "The layer that CAM methods look at; `prism layers` lists them. (default: the model's)",
      valueName: "name"))
  var layer: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      How often a method may evaluate the model, where it draws samples; for ig, blurig, \
      guidedig and xrai the steps of the path, for extremal those of the climb, for opticam those \
      of the search. (default: the method's)
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
      How lime, kernelshap and permutation-shap divide the picture: quickshift, slic[:N], felzenszwalb[:SCALE], \
      grid:RxC, or a map of labels, FILE.npy or FILE.png. (default: quickshift; of a \
      spectrogram grid:8x10, mel bands by time)
      """, valueName: "segments"))
  var segments: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      What takes the place of parts that are removed: blur:K (K pixels), mean, segment-mean, \
      noise, inpaint (heat that spreads from the rim, 50 sweeps), inpaint-telea or inpaint-ns \
      (OpenCV's, which shap uses), black, or a number in the network's input. (default: the \
      method's)
      """, valueName: "mask"))
  var mask: String?

  @Option(
    help: ArgumentHelp(
      """
      Which number of the model the methods that mask parts explain, such as rise, lime and shap. \
      (default: logit; of rise probability)
      """, valueName: "number"))
  var explain: Choice<ExplanationRequest.Quantity>?

  @Option(
    help: ArgumentHelp(
      """
      Which rules lrp shares relevance out by. epsilon-plus-flat shows what speaks for the label, \
      epsilon-gamma-box what speaks against it too. (default: epsilon-plus-flat)
      """, valueName: "rules"))
  var composite: Choice<LRP.Composite>?

  @Option(
    help: ArgumentHelp(
      """
      Which samples lime, kernelshap and rise draw: sparing makes the most of each and needs fewer \
      for the same certainty, published are those of the papers, as many as there. (default: \
      sparing)
      """, valueName: "draws"))
  var draws: Choice<ExplanationMethod.Draws>?

  @Flag(
    help: """
      Draw samples until the ranking of the top three parts is sure, at most --samples, or ten to \
      twenty times as many as usual.
      """)
  var untilStable = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How sure of the ranking --until-stable wants to be. (default: 0.95)",
      valueName: "probability"))
  var confidence: Double?

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
    if confidence != nil, !untilStable {
      throw ValidationError("--confidence goes with --until-stable; give both or neither")
    }
    if !isListing { _ = try methods() }
  }

  /// Whether the methods are to be listed, not used.
  var isListing: Bool { names.lowercased() == "list" }

  /// The methods in the order in which they were named.
  func methods() throws(ValidationError) -> [ExplanationMethod] { try Self.methods(named: names) }

  /// The methods in the order in which they are named, separated by commas.
  static func methods(named names: String) throws(ValidationError) -> [ExplanationMethod] {
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

  /// What the options ask for.
  ///
  /// - Parameters:
  ///   - purpose: What is made of the inputs.
  ///   - model: The model's name or path.
  ///   - formats: What is written.
  /// - Returns: The request.
  /// - Throws: `RequestError` for an option that none of the methods knows.
  func request(
    _ purpose: ExplanationRequest.Purpose, model: String, formats: [ResultFormat]
  ) throws -> ExplanationRequest {
    var choices = ExplanationRequest.Method("")
    choices.layer = layer
    choices.samples = samples
    choices.segments = segments
    choices.mask = mask
    choices.confidence = untilStable ? confidence ?? 0.95 : nil
    choices.quantity = explain?.element
    choices.composite = composite?.element
    choices.draws = draws?.element
    var request = ExplanationRequest(
      model: model,
      methods: try ExplanationRequest.methods(try methods(), sharing: choices), formats: formats)
    request.purpose = purpose
    request.targets = target
    request.seed = seed
    request.batch = batch
    request.windows = windows
    return request
  }
}
