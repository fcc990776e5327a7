internal import ArgumentParser
internal import PrismReport

/// How a method is run over data, whichever it is.
struct MethodRunOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The layer that CAM methods look at; `prism layers` lists them. (default: the model's)",
      valueName: "name"))
  var layer: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How often a method may evaluate the model, where it draws samples. (default: the method's)",
      valueName: "n"))
  var samples: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Selects all random draws; the same seed gives the same numbers.", valueName: "n"))
  var seed: UInt64 = 0

  /// What was chosen for each method.
  var choices: ExplanationRequest.Method {
    var choices = ExplanationRequest.Method("")
    choices.layer = layer
    choices.samples = samples
    return choices
  }
}
