public import PrismMedia

/// The course of training, epoch by epoch.
public struct LearningCurve: Sendable, Equatable, Codable {
  /// The epochs, in their order.
  public internal(set) var epochs: [EpochRecord] = []
  /// What tells the best epoch.
  public internal(set) var monitor = Monitor.loss
  /// The epoch that is best by ``monitor``, from 1; `nil` before the first.
  public var best: Int? { monitor.best(of: epochs)?.epoch }

  /// A table with a header and a line an epoch.
  public var csv: String {
    var text = "epoch,phase,training_loss,validation_loss,validation_accuracy,validation_auc,"
    text += "validation_average_precision,best\n"
    for record in epochs {
      text += "\(record.epoch),\(record.phase.rawValue),\(record.trainingLoss),"
      text += "\(record.validationLoss),\(record.validationAccuracy),"
      for value in [record.validationAUC, record.validationAveragePrecision] {
        text += (value.map { "\($0)" } ?? "") + ","
      }
      text += record.epoch == best ? "1\n" : "0\n"
    }
    return text
  }

  /// The curves as a picture.
  ///
  /// - Throws: `ImageError.noMemory`.
  public func rendered(title: String) throws(ImageError) -> Image {
    func points(_ value: (EpochRecord) -> Double?) -> [(x: Double, y: Double)] {
      epochs.map { (Double($0.epoch), value($0) ?? .nan) }
    }
    var marks: [(x: Double, name: String)] = []
    if let start = epochs.first(where: { $0.phase == .fineTuning }), start.epoch > 1 {
      marks.append((Double(start.epoch) - 0.5, "fine-tuning"))
    }
    let best = best.flatMap { number in epochs.first { $0.epoch == number } }
    let ends = 1...Double(max(epochs.count, 2))
    var quality = [Chart.Series(name: "accuracy", points: points { $0.validationAccuracy })]
    if epochs.contains(where: { $0.validationAUC != nil }) {
      quality.append(Chart.Series(name: "AUC", points: points(\.validationAUC)))
    }
    let losses = epochs.flatMap { [$0.trainingLoss, $0.validationLoss] }
    return try Chart(
      title: best.map { "\(title): best epoch \($0.epoch) of \(epochs.count)" } ?? title,
      panels: [
        Chart.Panel(
          title: "Loss", xLabel: "epoch", yLabel: "cross-entropy",
          contents: .curves(
            [
              Chart.Series(name: "training", points: points(\.trainingLoss)),
              Chart.Series(name: "validation", points: points(\.validationLoss)),
            ], x: ends, y: 0...max((losses.max() ?? 1) * 1.05, 1e-6), marks: marks)),
        Chart.Panel(
          title: "Validation", xLabel: "epoch", yLabel: "share",
          contents: .curves(quality, x: ends, y: nil, marks: marks)),
      ]
    ).rendered()
  }
}
