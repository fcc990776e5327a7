internal import ArgumentParser
internal import Prism
internal import PrismReport

struct ModelsCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "List the models in the weights folder.")

  @OptionGroup var catalog: ModelCatalog

  @Flag(help: "Print a JSON document.") var json = false

  func run(_ console: Console) throws -> Status {
    var rows: [(name: String, model: Model)] = []
    var failed = false
    for name in try catalog.names() {
      do {
        rows.append((name, try Model(contentsOf: catalog.path(of: name))))
      } catch {
        console.report("prism: \(error)")
        failed = true
      }
    }
    if json {
      console.print(JSON.array(rows.map { document($0.name, $0.model) }).formatted)
    } else if rows.isEmpty && !failed {
      console.report("prism: \(catalog.folder) holds no weights; Tools/convert.py makes them")
    } else {
      let cells = rows.map { name, model in
        [
          name, model.card.architecture.rawValue, "\(model.inputSize)", "\(model.labels.count)",
          model.fit, model.card.description,
        ]
      }
      let header = ["name", "architecture", "input", "labels", "methods", "description"]
      for line in TextTable.lines([header] + cells) { console.print(line) }
    }
    return failed ? .failed : .done
  }

  private func document(_ name: String, _ model: Model) -> JSON {
    [
      "name": .string(name),
      "architecture": .string(model.card.architecture.rawValue),
      "description": .string(model.card.description),
      "source": .string(model.card.source),
      "license": .string(model.card.license),
      "input": .string(model.inputSize),
      "labels": .array(model.labels.map(JSON.string)),
      "methods": .array(model.methods.map(JSON.string)),
    ]
  }
}

extension Model {
  /// The input size as it is shown, such as `160×160`, for sound such as `2.0 s, 8000 Hz`.
  fileprivate var inputSize: String {
    card.input.audio.map { "\($0.seconds) s, \($0.sampleRate) Hz" }
      ?? "\(card.input.image.width)×\(card.input.image.height)"
  }

  /// How many methods can explain this model, such as `all 21`.
  fileprivate var fit: String {
    let (fitting, all) = (methods.count, ExplanationMethod.allCases.count)
    return fitting == all ? "all \(all)" : "\(fitting) of \(all)"
  }

  /// The names of the methods that can explain this model.
  fileprivate var methods: [String] {
    ExplanationMethod.allCases.filter { obstacle(to: $0) == nil }.map(\.rawValue)
  }
}
