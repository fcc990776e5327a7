internal import ArgumentParser
internal import Prism
internal import PrismReport

/// Which methods are run over data, and how.
struct JudgedMethodOptions: ParsableArguments {
  /// What chooses every method that needs few evaluations.
  private static let fast = "fast"
  /// What chooses every method.
  private static let all = "all"

  @Option(
    name: [.customLong("methods"), .customLong("method")],
    help: ArgumentHelp(
      """
      The methods, separated by commas; fast (those that need a few evaluations of the model) or \
      all. `prism explain --method list` tells what each costs.
      """, valueName: "methods"),
    completion: .list([fast, all] + ExplanationMethod.allCases.map(\.rawValue)))
  var names = JudgedMethodOptions.fast

  @OptionGroup var running: MethodRunOptions

  @Option(
    help: ArgumentHelp(
      "How lime and kernelshap divide the picture, as of `prism explain`.", valueName: "segments"))
  var segments: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "What takes the place of parts that are removed, as of `prism explain`.", valueName: "mask"))
  var mask: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The most changed pictures that the model is given at a time, for less memory.",
      valueName: "n"))
  var batch: Int?

  func validate() throws {
    if let batch, batch < 1 { throw ValidationError("--batch is \(batch); it must be at least 1") }
    _ = try methods()
  }

  /// The methods.
  func methods() throws(ValidationError) -> [ExplanationMethod] {
    switch names.lowercased() {
    case Self.all: ExplanationMethod.allCases
    case Self.fast: ExplanationMethod.allCases.filter(\.isFast)
    default: try MethodOptions.methods(named: names)
    }
  }

  /// What the options ask for.
  ///
  /// - Parameters:
  ///   - model: The model's name or path.
  ///   - pictures: How pictures are read.
  ///   - sound: How sounds are read.
  /// - Returns: The request.
  /// - Throws: `RequestError` for an option that none of the methods knows.
  func request(
    model: String, pictures: PictureReading, sound: SoundReading
  ) throws -> ExplanationRequest {
    var choices = running.choices
    choices.segments = segments
    choices.mask = mask
    var request = ExplanationRequest(
      model: model,
      methods: try ExplanationRequest.methods(try methods(), sharing: choices), formats: [])
    request.seed = running.seed
    request.batch = batch
    request.pictures = pictures
    request.sound = sound
    return request
  }
}
