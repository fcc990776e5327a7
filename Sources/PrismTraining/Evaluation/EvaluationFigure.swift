internal import PrismFiles
public import PrismMedia

extension Evaluation {
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
