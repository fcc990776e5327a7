internal import ArgumentParser
internal import Prism
internal import PrismReport

struct LayersCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "layers",
    abstract: "List every named value of a model with its shape.",
    discussion: "The default layer of the CAM family is marked with an asterisk.")

  @Argument(help: "A model in the weights folder, or the path of a weights file.")
  var model: String

  @OptionGroup var catalog: ModelCatalog

  @Flag(help: "Print a JSON document.") var json = false

  func run(_ console: Console) throws -> Status {
    let layers = try catalog.model(model).layers
    if json {
      console.print(
        JSON.array(
          layers.map { layer in
            [
              "name": .string(layer.name),
              "shape": .array(layer.shape.dimensions.map(JSON.integer)),
              "default": .bool(layer.isDefault),
              "aliases": .array(layer.aliases.map(JSON.string)),
            ]
          }
        ).formatted)
    } else {
      let rows = layers.map { layer in
        [
          layer.isDefault ? "*" : " ", layer.name, "\(layer.shape)",
          layer.aliases.joined(separator: ", "),
        ]
      }
      for line in TextTable.lines(rows) { console.print(line) }
    }
    return .done
  }
}
