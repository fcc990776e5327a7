internal import ArgumentParser
internal import Prism
internal import PrismReport

/// Where models are found.
struct ModelOptions: ParsableArguments {
  @Option(
    name: .customLong("weights"),
    help: ArgumentHelp(
      """
      A folder of weights files that is searched before the usual ones: those of PRISM_WEIGHTS \
      (separated by colons), Weights, and the installed one.
      """, valueName: "dir"), completion: .directory)
  var folder: String?

  /// The folders that are searched.
  var catalogue: ModelCatalogue { ModelCatalogue.ofProcess(explicit: folder) }

  /// Opens a model by its name or by the path of its file.
  func model(_ name: String) throws -> Model { try catalogue.model(name) }

  /// The path of a weights file, given by its name or as it is.
  func file(_ name: String) throws -> String { try catalogue.file(name) }
}
