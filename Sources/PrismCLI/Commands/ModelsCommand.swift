internal import ArgumentParser
internal import Prism
internal import PrismReport

struct ModelsCommand: LimitedCommand {
  static let configuration = CommandConfiguration(
    commandName: "models",
    abstract: "List the models that are found by name, and where each is.",
    discussion: """
      Searched are, in this order: the folder of --weights, those of the environment variable \
      PRISM_WEIGHTS (separated by colons), Weights in the working folder, and the one that was \
      installed with the program. Of models with the same name the first is taken.
      """)

  @OptionGroup var catalog: ModelOptions
  @OptionGroup var limits: LimitOptions

  @Flag(help: "Print a JSON document with all labels and methods.") var json = false

  func run(_ console: Console) throws -> Status {
    let catalogue = catalog.catalogue
    var rows: [(entry: ModelCatalogue.Entry, model: Model)] = []
    var failed = false
    for entry in try catalogue.entries() {
      do {
        rows.append((entry, try Model(contentsOf: entry.path)))
      } catch {
        console.report("prism: \(error)")
        failed = true
      }
    }
    if json {
      console.print(
        InputDocument.enveloped("models", rows.map { ModelDocument.json($0.entry, $0.model) }))
    } else if rows.isEmpty && !failed {
      let places = catalogue.places.map(\.path).joined(separator: ", ")
      console.report("prism: no weights in \(places); Tools/convert.py makes them")
    } else {
      show(rows, console)
    }
    return failed ? .failed : .done
  }

  private func show(_ rows: [(entry: ModelCatalogue.Entry, model: Model)], _ console: Console) {
    let cells = rows.map { entry, model in
      [
        entry.name, model.card.architecture.rawValue, ModelDocument.inputSize(of: model),
        "\(model.labels.count)",
        model.fit, entry.path,
      ]
    }
    let header = ["name", "architecture", "input", "labels", "methods", "file"]
    for line in TextTable.lines([header] + cells) { console.print(line) }
    for (entry, model) in rows {
      console.print("")
      console.print("\(entry.name):")
      for line in wrapped(model.card.description, to: 78) { console.print("  " + line) }
      for path in entry.hidden {
        console.print("  \(path) has the same name; give its path to use it")
      }
    }
  }
}

extension Model {
  /// How many methods can explain this model, such as `all 21`.
  fileprivate var fit: String {
    let (fitting, all) = (
      ModelDocument.methods(of: self).count, ExplanationMethod.allCases.count
    )
    return fitting == all ? "all \(all)" : "\(fitting) of \(all)"
  }
}

/// A text in lines of at most so many characters, divided at spaces where there are any.
func wrapped(_ text: String, to width: Int) -> [String] {
  var lines: [String] = []
  for word in text.split(whereSeparator: \.isWhitespace) {
    if let last = lines.last, last.count + 1 + word.count <= width {
      lines[lines.count - 1] = last + " " + word
    } else {
      lines.append(String(word))
    }
  }
  return lines
}
