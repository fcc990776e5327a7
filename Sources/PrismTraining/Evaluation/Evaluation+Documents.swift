public import PrismFiles

extension Evaluation {
  /// The measures as a document.
  public var json: JSON {
    func document(_ measures: [Measure]) -> JSON {
      .object(
        measures.map { measure in
          .init(
            name: measure.name,
            value: [
              "value": measure.value.map(JSON.number) ?? .null,
              "low": measure.interval.map { .number($0.lowerBound) } ?? .null,
              "high": measure.interval.map { .number($0.upperBound) } ?? .null,
              "interval": measure.method.map { .string($0.rawValue) } ?? .null,
            ])
        })
    }
    return [
      "task": .string(task.rawValue),
      "samples": .integer(samples),
      "threshold": threshold.map(JSON.number) ?? .null,
      "resamples": .integer(resamples),
      "measures": document(measures),
      "labels": .array(
        perLabel.map { label in
          [
            "label": .string(label.label),
            "samples": .integer(label.samples),
            "positives": .integer(label.positives),
            "threshold": label.threshold.map(JSON.number) ?? .null,
            "note": label.note.map(JSON.string) ?? .null,
            "measures": document(label.measures),
          ]
        }),
      "confusion": [
        "labels": .array(confusion.isEmpty ? [] : labels.map(JSON.string)),
        "counts": .array(confusion.map { .array($0.map(JSON.integer)) }),
      ],
      "calibration": .array(
        calibration.map { bin in
          [
            "count": .integer(bin.count), "confidence": .number(bin.confidence),
            "accuracy": .number(bin.accuracy),
          ]
        }),
    ]
  }

  /// The measures as a table: whose, which, its value and its interval.
  public var csv: String {
    func line(_ scope: String, _ measure: Measure) -> String {
      let numbers = [measure.value, measure.interval?.lowerBound, measure.interval?.upperBound]
      return ([scope.commaSeparatedValue, measure.name] + numbers.map { $0.map { "\($0)" } ?? "" })
        .joined(separator: ",") + "\n"
    }
    var text = "label,measure,value,low,high\n"
    for measure in measures { text += line("all", measure) }
    for label in perLabel { for measure in label.measures { text += line(label.label, measure) } }
    return text
  }
}
