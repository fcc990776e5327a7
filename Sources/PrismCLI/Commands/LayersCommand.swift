internal import ArgumentParser
internal import Prism
internal import PrismReport

struct LayersCommand: LimitedCommand {
  static let configuration = CommandConfiguration(
    commandName: "layers",
    abstract: "List every named value of a model with its shape.",
    discussion: """
      A line has the name that --layer takes, the shape for one input (1×rows×columns×channels for \
      a map), and other names of the same value, such as those of Keras. The layer that CAM methods \
      look at unless told otherwise is marked with an asterisk.
      """)

  @Argument(help: "A model by name (`prism models` lists them) or by the path of its file.")
  var model: String

  @OptionGroup var catalog: ModelOptions
  @OptionGroup var limits: LimitOptions

  @Flag(help: "Print a JSON document.") var json = false

  func run(_ console: Console) throws -> Status {
    let layers = try catalog.model(model).layers
    if json {
      console.print(
        InputDocument.enveloped(
          "layers",
          layers.map { layer in
            [
              "name": .string(layer.name),
              "shape": .array(layer.shape.dimensions.map(JSON.integer)),
              "default": .bool(layer.isDefault),
              "aliases": .array(layer.aliases.map(JSON.string)),
            ]
          }
        ))
    } else {
      let header = [" ", "name", "shape", "other names"]
      let rows = layers.map { layer in
        [
          layer.isDefault ? "*" : " ", layer.name, "\(layer.shape)",
          layer.aliases.joined(separator: ", "),
        ]
      }
      for line in TextTable.lines([header] + rows) { console.print(line) }
    }
    return .done
  }
}
