import Foundation
import PrismFiles
import PrismMedia
import PrismRuntime
import PrismTensor
import PrismTestSupport
import PrismTraining
import Testing

/// What scikit-learn measures; written by `Tools/fixtures/evaluation.py`.
private struct Reference: Decodable {
  struct Binary: Decodable {
    let accuracy, balanced_accuracy, auc, average_precision, f1, eer, ece: Double
    let confusion: [[Int]]
  }
  struct Multiclass: Decodable {
    let accuracy, balanced_accuracy, macro_auc, macro_average_precision, macro_f1, ece: Double
    let confusion: [[Int]]
    let label_auc: [Double]
  }
  struct Multilabel: Decodable {
    let accuracy, macro_auc, macro_average_precision, macro_f1: Double
    let label_auc, label_average_precision, label_f1: [Double]
  }
  let binary: Binary
  let multiclass: Multiclass
  let multilabel: Multilabel
  /// Successes, trials and the ends of statsmodels' interval.
  let wilson: [[Double]]
  /// An area, positives, negatives and the ends of its interval.
  let areas: [[Double]]
  let thresholds: [Threshold]
  struct Threshold: Decodable {
    let sensitivity, score: Double
    let confusion: [[Int]]
  }

  static func load() throws -> Reference {
    let url = URL(filePath: Repository.fixtures + "evaluation.json")
    return try JSONDecoder().decode(Reference.self, from: Data(contentsOf: url))
  }
}

@Suite("evaluation")
struct EvaluationTests {
  private func expect(
    _ evaluation: Evaluation, _ name: String, _ expected: Double,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let value = evaluation.measure(name)?.value ?? .nan
    #expect(abs(value - expected) <= 1e-12, "\(name) is \(value)", sourceLocation: sourceLocation)
  }

  private func binary(resamples: Int = 0, seed: UInt64 = 0) -> Evaluation {
    let (truth, score) = (
      CounterRandom(name: "binary/truth"), CounterRandom(name: "binary/score")
    )
    let truths = (0..<200).map { truth.uniform($0) < 0.4 ? 1 : 0 }
    let scores = truths.enumerated().map { i, t in
      ((0.6 * score.uniform(i) + 0.35 * Double(t)) * 64).rounded(.down) / 64
    }
    return Evaluation(
      probabilities: scores.map { [1 - $0, $0] }, truths: truths.map { .label($0) },
      task: .binary, labels: ["no", "yes"], threshold: 0.3, resamples: resamples, seed: seed)
  }

  @Test("binary measures are scikit-learn's")
  func binaryMeasures() throws {
    let (reference, evaluation) = (try Reference.load().binary, binary())
    expect(evaluation, "accuracy", reference.accuracy)
    expect(evaluation, "balanced_accuracy", reference.balanced_accuracy)
    expect(evaluation, "auc", reference.auc)
    expect(evaluation, "average_precision", reference.average_precision)
    expect(evaluation, "f1", reference.f1)
    expect(evaluation, "eer", reference.eer)
    expect(evaluation, "ece", reference.ece)
    #expect(evaluation.confusion == reference.confusion)
    #expect(evaluation.perLabel.map(\.label) == ["yes"])
  }

  @Test("measures of several labels are scikit-learn's")
  func multiclassMeasures() throws {
    let reference = try Reference.load().multiclass
    let (truth, score) = (
      CounterRandom(name: "multiclass/truth"), CounterRandom(name: "multiclass/score")
    )
    let truths = (0..<150).map { Int(truth.uniform($0) * 3) }
    let rows = truths.enumerated().map { i, t in
      let raw = (0..<3).map { score.uniform(3 * i + $0) + ($0 == t ? 0.5 : 0) }
      let sum = raw[0] + raw[1] + raw[2]
      return raw.map { $0 / sum }
    }
    let evaluation = Evaluation(
      probabilities: rows, truths: truths.map { .label($0) }, task: .multiclass,
      labels: ["a", "b", "c"], resamples: 0)
    expect(evaluation, "accuracy", reference.accuracy)
    expect(evaluation, "balanced_accuracy", reference.balanced_accuracy)
    expect(evaluation, "macro_auc", reference.macro_auc)
    expect(evaluation, "macro_average_precision", reference.macro_average_precision)
    expect(evaluation, "macro_f1", reference.macro_f1)
    expect(evaluation, "ece", reference.ece)
    #expect(evaluation.confusion == reference.confusion)
    for (label, auc) in zip(evaluation.perLabel, reference.label_auc) {
      #expect(abs((label.measures[0].value ?? .nan) - auc) <= 1e-12)
    }
  }

  @Test("measures of labels that may be unknown are scikit-learn's on those that are known")
  func multilabelMeasures() throws {
    let reference = try Reference.load().multilabel
    let (truth, score) = (
      CounterRandom(name: "multilabel/truth"), CounterRandom(name: "multilabel/score")
    )
    var rows: [[Double]] = []
    var truths: [DataSet.Truth] = []
    for i in 0..<120 {
      let draws = (0..<4).map { truth.uniform(4 * i + $0) }
      truths.append(.labels(draws.map { $0 < 0.1 ? .nan : $0 > 0.7 ? 1 : 0 }))
      rows.append(
        (0..<4).map { k in
          let lift = draws[k] > 0.7 ? 0.25 : 0
          return ((0.7 * score.uniform(4 * i + k) + lift) * 128).rounded(.down) / 128
        })
    }
    let evaluation = Evaluation(
      probabilities: rows, truths: truths, task: .multilabel, labels: ["a", "b", "c", "d"],
      resamples: 0)
    expect(evaluation, "accuracy", reference.accuracy)
    expect(evaluation, "macro_auc", reference.macro_auc)
    expect(evaluation, "macro_average_precision", reference.macro_average_precision)
    expect(evaluation, "macro_f1", reference.macro_f1)
    #expect(evaluation.confusion.isEmpty)
    for (i, label) in evaluation.perLabel.enumerated() {
      let expected = [
        reference.label_auc[i], reference.label_average_precision[i], reference.label_f1[i],
      ]
      for (measure, value) in zip(label.measures, expected) {
        #expect(abs((measure.value ?? .nan) - value) <= 1e-12, "\(label.label) \(measure.name)")
      }
    }
  }

  /// The bootstrap's interval of a mean has the width of the normal approximation, to its own
  /// noise.
  @Test("intervals hold the measure and are as wide as the binomial says")
  func intervals() throws {
    let evaluation = binary(resamples: 2000)
    for measure in evaluation.measures {
      let value = try #require(measure.value)
      let interval = try #require(measure.interval)
      // Calibration errors of resamples are larger than that of the sample: noise adds up.
      if measure.name != "ece" { #expect(interval.contains(value), "\(measure)") }
    }
    let accuracy = try #require(evaluation.measure("accuracy")?.interval)
    let expected = 2 * 1.96 * (0.675 * 0.325 / 200).squareRoot()
    let width = accuracy.upperBound - accuracy.lowerBound
    #expect(abs(width - expected) < 0.15 * expected, "\(width), expected \(expected)")
    let again = binary(resamples: 2000)
    #expect(again.measures == evaluation.measures)
    #expect(binary(resamples: 2000, seed: 1).measures != evaluation.measures)
  }

  @Test("the documents hold every measure")
  func documents() throws {
    let evaluation = binary(resamples: 20)
    let lines = evaluation.csv.split(separator: "\n")
    #expect(lines.count == 1 + 7 + 5)
    #expect(lines[0] == "label,measure,value,low,high")
    let text = evaluation.json.description
    for name in ["accuracy", "auc", "eer", "ece", "calibration", "confusion"] {
      #expect(text.contains("\"\(name)\""))
    }
    let picture = try evaluation.rendered(title: "test")
    #expect(picture.width > picture.height)
  }

  @Test("intervals of rates are statsmodels' Wilson intervals, also where all or none are counted")
  func wilson() throws {
    for row in try Reference.load().wilson {
      let interval = try #require(Rate(Int(row[0]), of: Int(row[1])).interval)
      #expect(abs(interval.lowerBound - row[2]) <= 1e-12, "\(row)")
      #expect(abs(interval.upperBound - row[3]) <= 1e-12, "\(row)")
    }
    #expect(Rate(0, of: 0).interval == nil && Rate(0, of: 0).value == nil)
  }

  @Test("a perfect area has an interval with a width, the one that scipy finds")
  func areas() throws {
    for row in try Reference.load().areas {
      let (positives, negatives) = (Int(row[1]), Int(row[2]))
      guard row[0] == 1 || row[0] == 0 else { continue }
      let isRight = row[0] == 1
      let truths = (0..<(positives + negatives)).map { $0 < positives ? 1 : 0 }
      let evaluation = Evaluation(
        probabilities: truths.map { $0 == 1 ? [0.4, 0.6] : [0.6, 0.4] }
          .map { isRight ? $0 : $0.reversed() }, truths: truths.map { .label($0) }, task: .binary,
        labels: ["no", "yes"], resamples: 50)
      let area = try #require(evaluation.measure("auc"))
      let interval = try #require(area.interval)
      #expect(area.value == row[0] && area.method == .score)
      #expect(abs(interval.lowerBound - row[3]) <= 1e-9, "\(row): \(interval)")
      #expect(abs(interval.upperBound - row[4]) <= 1e-9, "\(row): \(interval)")
    }
  }

  @Test("where every decision is right no interval claims certainty")
  func perfect() throws {
    let truths = (0..<30).map { $0 % 2 }
    let evaluation = Evaluation(
      probabilities: truths.map { $0 == 1 ? [0, 1] : [1, 0] }, truths: truths.map { .label($0) },
      task: .binary, labels: ["no", "yes"], resamples: 200)
    for name in ["accuracy", "balanced_accuracy", "auc", "f1"] {
      let measure = try #require(evaluation.measure(name))
      let interval = try #require(measure.interval, "\(name)")
      #expect(measure.value == 1 && interval.lowerBound < 0.95 && interval.upperBound == 1)
    }
    // Of these nothing is said.
    for name in ["average_precision", "eer", "ece"] {
      #expect(evaluation.measure(name)?.interval == nil, "\(name)")
    }
  }

  @Test("labels with few samples carry a note")
  func few() {
    func notes(_ positives: Int, of count: Int) -> [String] {
      let truths = (0..<count).map { DataSet.Truth.labels([$0 < positives ? 1 : 0]) }
      return Evaluation(
        probabilities: (0..<count).map { [Double($0) / Double(count)] }, truths: truths,
        task: .multilabel, labels: ["a"], resamples: 0
      ).notes
    }
    #expect(notes(3, of: 40) == ["a: only 3 positive: too few to measure well"])
    #expect(notes(0, of: 40) == ["a: no positive samples: not measured"])
    #expect(notes(38, of: 40) == ["a: only 2 negative: too few to measure well"])
    #expect(notes(20, of: 40) == [])
  }

  @Test("thresholds for a sensitivity decide as scikit-learn's ROC curve at its first point there")
  func thresholds() throws {
    let (truth, score) = (
      CounterRandom(name: "binary/truth"), CounterRandom(name: "binary/score")
    )
    let truths = (0..<200).map { truth.uniform($0) < 0.4 }
    let scores = truths.enumerated().map { i, t in
      ((0.6 * score.uniform(i) + (t ? 0.35 : 0)) * 64).rounded(.down) / 64
    }
    for expected in try Reference.load().thresholds {
      let point = OperatingPoint(
        label: "yes", scores: scores, truths: truths, sensitivity: expected.sensitivity,
        otherwise: 0.5)
      let matrix = expected.confusion
      #expect(point.threshold < expected.score)
      #expect(!scores.contains { $0 >= point.threshold && $0 < expected.score })
      #expect(point.specificity == Rate(matrix[0][0], of: matrix[0][0] + matrix[0][1]))
      #expect(point.sensitivity == Rate(matrix[1][1], of: matrix[1][0] + matrix[1][1]))
    }
    let none = OperatingPoint(
      label: "no", scores: [0.2, 0.4], truths: [false, false], sensitivity: 0.9, otherwise: 0.5)
    #expect(none.isFallback && none.threshold == 0.5 && none.sensitivity.value == nil)
  }

  @Test("every label counts from its own threshold")
  func ownThresholds() throws {
    let truths = [[1, 1], [1, 0], [0, 1], [0, 0]].map { DataSet.Truth.labels($0) }
    let rows = [[0.3, 0.8], [0.3, 0.6], [0.1, 0.8], [0.1, 0.6]]
    let evaluation = try Evaluation(
      probabilities: rows, truths: truths, task: .multilabel, labels: ["a", "b"],
      thresholds: [0.2, 0.7], resamples: 0, work: .unwatched)
    #expect(evaluation.threshold == nil && evaluation.perLabel.map(\.threshold) == [0.2, 0.7])
    #expect(evaluation.measure("accuracy")?.value == 1)
    #expect(evaluation.perLabel.allSatisfy { $0.measure("specificity")?.value == 1 })
  }

  @Test("an evaluation is read as it was written")
  func codable() throws {
    let evaluation = binary(resamples: 20)
    let data = try JSONEncoder().encode(evaluation)
    #expect(try JSONDecoder().decode(Evaluation.self, from: data) == evaluation)
  }

  @Test("a cancelled task ends a bootstrap")
  func cancelled() async {
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try Evaluation(
        probabilities: [[0.2, 0.8]], truths: [.label(1)], task: .binary, labels: ["a", "b"],
        thresholds: [0.5, 0.5], resamples: 10_000, work: .unwatched)
    }
    await #expect(throws: CancellationError.self) { _ = try await task.value }
  }
}
