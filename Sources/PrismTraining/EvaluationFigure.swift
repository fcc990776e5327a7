public import PrismFiles
public import PrismMedia

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

  /// ROC curves, calibration and the confusion matrix as a picture.
  ///
  /// - Throws: `ImageError.noMemory`.
  public func rendered(title: String) throws(ImageError) -> Image {
    let diagonal = Chart.Series(name: "", points: [(0, 0), (1, 1)], isGuide: true)
    var roc: [Chart.Series] = []
    for (label, curve) in zip(perLabel, curves).prefix(6) where !curve.isEmpty {
      let area = label.measures.first { $0.name == "auc" }?.value ?? .nan
      roc.append(
        Chart.Series(
          name: "\(Text.decimal(area, decimals: 3)) \(label.label)",
          points: curve.map { ($0.falsePositiveRate, $0.truePositiveRate) }))
    }
    let reliability = Chart.Series(
      name: "", points: calibration.filter { $0.count > 0 }.map { ($0.confidence, $0.accuracy) })
    var panels = [
      Chart.Panel(
        title: perLabel.count > 6 ? "ROC of 6 of \(perLabel.count) labels" : "ROC",
        xLabel: "false positive rate", yLabel: "true positive rate",
        contents: .curves(roc + [diagonal], x: 0...1, y: 0...1, marks: [])),
      Chart.Panel(
        title: "Calibration", xLabel: "confidence", yLabel: "share of right decisions",
        contents: .curves([reliability, diagonal], x: 0...1, y: 0...1, marks: [])),
    ]
    if !confusion.isEmpty {
      panels.append(
        Chart.Panel(
          title: "Confusion", xLabel: "predicted", yLabel: "true",
          contents: .matrix(confusion, labels: labels)))
    }
    return try Chart(title: title, panels: panels).rendered()
  }
}
