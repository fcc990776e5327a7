internal import Prism

/// The JSON document of one input.
struct Document {
  /// An explanation with the names of its files.
  struct Entry {
    let explanation: Explanation
    let files: [(format: Format, name: String)]
    /// Where the evidence is, for a sound.
    var evidence: SoundEvidence?
  }

  let input: String
  let model: Model
  let prediction: Prediction
  let explanations: [Entry]
  /// What was heard window by window, for a sound.
  var hearing: Hearing?

  var json: JSON {
    let document: JSON = [
      "prism": .string(Root.version),
      "input": .string(input),
      "model": [
        "name": .string(model.card.name),
        "architecture": .string(model.card.architecture.rawValue),
        "sha256": .string(model.file.sha256),
      ],
      "predictions": .array(
        prediction.ranked.map { entry in
          [
            "index": .integer(entry.index),
            "label": .string(entry.label),
            "logit": .number(entry.logit),
            "probability": .number(entry.probability),
          ]
        }),
      "explanations": .array(explanations.map(document)),
    ]
    return document.adding("sound", hearing?.json)
  }

  /// One document for one input, an array for several.
  static func formatted(_ documents: [JSON], of inputs: [String]) -> JSON {
    inputs.count == 1 ? documents.first ?? .null : .array(documents)
  }

  private func document(_ entry: Entry) -> JSON {
    let explanation = entry.explanation
    let attribution = explanation.attribution
    let document: JSON = [
      "method": .string(explanation.method),
      "target": [
        "index": .integer(explanation.target.index), "label": .string(explanation.target.label),
      ],
      "parameters": explanation.parameters.json,
      "seconds": .number(explanation.seconds),
      "evaluations": .integer(attribution.evaluations),
      "baseValue": attribution.baseValue.map(JSON.number) ?? .null,
      "completenessGap": attribution.completenessGap.map(JSON.number) ?? .null,
      "score": attribution.score.map(JSON.number) ?? .null,
      "standardError": attribution.standardError.map(Self.summary) ?? .null,
      "segments": attribution.segments.map(Self.segments) ?? .null,
      "diagnostics": .array(attribution.diagnostics.map(JSON.string)),
      "files": .object(
        entry.files.map { .init(name: $0.format.rawValue, value: .string($0.name)) }),
    ]
    return document.adding("evidence", entry.evidence?.json)
  }

  /// The standard error of a map over the method's random choices.
  private static func summary(_ map: Tensor) -> JSON {
    ["mean": .number(map.sum / Double(max(map.count, 1))), "maximum": .number(Double(map.maximum))]
  }

  /// One number and its standard error for every segment, in the order of the labels.
  private static func segments(_ segments: SegmentAttribution) -> JSON {
    [
      "values": .array(segments.values.map(JSON.number)),
      "standardErrors": .array(segments.standardErrors.map(JSON.number)),
    ]
  }
}

extension JSON {
  /// The object with one more member, where there is a value.
  fileprivate func adding(_ name: String, _ value: JSON?) -> JSON {
    guard case .object(let members) = self, let value else { return self }
    return .object(members + [Member(name: name, value: value)])
  }
}
