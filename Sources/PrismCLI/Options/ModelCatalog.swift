internal import ArgumentParser
internal import Prism
internal import PrismReport

/// Where the command looks for weights files.
struct ModelCatalog: ParsableArguments {
  @Option(
    name: .customLong("weights"),
    help: ArgumentHelp("The folder of weights files.", valueName: "dir"))
  var folder = "Weights"

  static let suffix = ModelCatalogue.suffix

  private var catalogue: ModelCatalogue { ModelCatalogue(folders: [folder]) }

  /// The names of the weights files in the folder, in alphabetical order.
  func names() throws -> [String] { try catalogue.names() }

  /// The path of the weights file with a name.
  func path(of name: String) -> String { catalogue.path(of: name) }

  /// Opens a model by its name in the folder or by the path of its file.
  func model(_ name: String) throws -> Model { try catalogue.model(name) }

  /// The path of a weights file, given by its name in the folder or as it is.
  func file(_ name: String) throws -> String { try catalogue.file(name) }
}
