public import Prism

/// What `--method list` tells.
public struct MethodList {
  /// A method, and why it does not fit the model, if one is given and it does not.
  private let entries: [(method: ExplanationMethod, obstacle: String?)]

  /// Lists the methods.
  ///
  /// - Parameters:
  ///   - model: The model that the methods are to fit; `nil` for no model.
  ///   - layer: The layer that CAM methods are to look at.
  public init(for model: Model?, layer: String?) {
    entries = ExplanationMethod.allCases.map { ($0, model?.obstacle(to: $0, layer: layer)) }
  }

  /// The list with an object a method.
  public var json: JSON {
    InputDocument.enveloped(
      "methods",
      entries.map { method, obstacle in
        let explainer = method.explainer()
        return [
          "name": .string(method.rawValue),
          "title": .string(explainer.title),
          "needs": .array(explainer.facts.needs.map { .string($0.rawValue) }),
          "unit": .string(explainer.facts.unit.rawValue),
          "parameters": explainer.parameters.json,
          "cost": .string(explainer.facts.cost),
          "paper": .string(explainer.facts.paper),
          "obstacle": obstacle.map(JSON.string) ?? .null,
        ]
      })
  }

  /// The list for a terminal.
  public var lines: [String] {
    var lines: [String] = []
    for (method, _) in entries.filter({ $0.obstacle == nil }) {
      let explainer = method.explainer()
      let needs = explainer.facts.needs.map(\.rawValue).joined(separator: ", ")
      let parameters = explainer.parameters.map { "\($0.name) \($0.value.text)" }
        .joined(separator: ", ")
      lines.append("\(method.rawValue): \(explainer.title)")
      lines.append("  needs       \(needs.isEmpty ? "nothing but the outputs" : needs)")
      lines.append("  values      \(explainer.facts.unit.text)")
      lines.append("  parameters  \(parameters.isEmpty ? "none" : parameters)")
      lines.append("  cost        \(explainer.facts.cost)")
      lines.append("  paper       \(explainer.facts.paper)")
    }
    let unfit = entries.compactMap { method, obstacle in
      obstacle.map { "  \(method.rawValue): \($0)" }
    }
    if !unfit.isEmpty { lines += ["Not for this model:"] + unfit }
    return lines
  }
}

extension MethodFacts.Unit {
  /// What a reader of the list is told.
  fileprivate var text: String {
    switch self {
    case .explained: "in the unit of what is explained"
    case .unitless: "without a unit"
    }
  }
}

extension MethodParameter.Value {
  /// The value as it is shown.
  var text: String {
    switch self {
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .text(let value): value
    case .flag(let value): value ? "yes" : "no"
    }
  }

  var json: JSON {
    switch self {
    case .integer(let value): .integer(value)
    case .number(let value): .number(value)
    case .text(let value): .string(value)
    case .flag(let value): .bool(value)
    }
  }
}

extension [MethodParameter] {
  /// An object with a member for every parameter.
  var json: JSON {
    .object(
      map { parameter in
        // A seed may be larger than JSON's readers take numbers for, and is text only then.
        guard parameter.name == "seed", case .text(let text) = parameter.value,
          let seed = Int(text)
        else { return .init(name: parameter.name, value: parameter.value.json) }
        return .init(name: parameter.name, value: .integer(seed))
      })
  }
}
