internal import ArgumentParser
internal import PrismReport

/// Which inputs of data are looked at, and for which labels.
struct DataSelectionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The labels that are looked at, separated by commas. (default: all)", valueName: "labels"))
  var labels: String?

  @Option(
    help: ArgumentHelp(
      "The most inputs a label, drawn by the seed. (default: all)", valueName: "n"))
  var pictures: Int?

  @Flag(help: "Leave out labels that the model does not find in an input.") var onlyFound = false

  @Option(
    help: ArgumentHelp(
      "training, validation, testing or all. (default: as of `prism evaluate`)", valueName: "name"))
  var split: String?

  func validate() throws {
    if let pictures, pictures < 1 {
      throw ValidationError("--pictures is \(pictures); it must be at least 1")
    }
    try DataOptions.checkSplit(split)
  }

  /// A request for what was chosen.
  ///
  /// - Parameter explanations: How each input is explained.
  /// - Returns: The request.
  func request(_ explanations: ExplanationRequest) -> JudgeRequest {
    var request = JudgeRequest(explanations)
    request.labels = labels?.split(separator: ",").map { String($0) }
    request.pictures = pictures
    request.onlyFound = onlyFound
    request.split = split
    return request
  }
}
