internal import PrismAutodiff
internal import PrismTensor

/// What a network is trained for: the kind of its labels and what a mistake costs.
public struct Objective: Sendable, Equatable, Codable {
  /// The kind of labels.
  public enum Task: String, Sendable, CaseIterable, Codable {
    /// Two labels that exclude each other: one logit, sigmoid cross-entropy.
    case binary
    /// Several labels that exclude each other: softmax cross-entropy.
    case multiclass
    /// Any number of labels at a time: sigmoid cross-entropy of each.
    case multilabel
  }

  /// The kind of labels.
  public let task: Task
  /// The number of labels.
  public let labelCount: Int
  /// What a mistake costs, by label; `nil` for one each.
  ///
  /// For ``Task/binary`` and ``Task/multiclass`` the weight of samples of the label, for
  /// ``Task/multilabel`` the weight of its positive samples.
  public let weights: [Double]?

  /// Makes an objective.
  public init(_ task: Task, labelCount: Int, weights: [Double]? = nil) {
    self.task = task
    self.labelCount = labelCount
    self.weights = weights
  }

  /// The labels of which there are measures: the positive one of a binary task, else all.
  var measuredLabels: [Int] { task == .binary ? [1] : Array(0..<labelCount) }

  /// The number of logits.
  public var logitCount: Int { task == .binary ? 1 : labelCount }

  /// Weights with which every label counts the same, from the samples of each.
  ///
  /// - Parameters:
  ///   - task: The kind of labels.
  ///   - labelCount: The number of labels.
  ///   - samples: The training split.
  /// - Returns: n / (K · nₖ) for labels that exclude each other, as scikit-learn's `balanced`;
  ///   negatives over positives where they do not.
  public static func balancedWeights(
    _ task: Task, labelCount: Int, samples: [DataSet.Sample]
  ) -> [Double] {
    var positives = [Double](repeating: 0, count: labelCount)
    var known = positives
    for sample in samples {
      switch sample.truth {
      case .label(let index): positives[index] += 1
      case .labels(let values):
        for (i, value) in values.enumerated() where !value.isNaN {
          known[i] += 1
          positives[i] += Double(value)
        }
      }
    }
    return positives.indices.map { i in
      guard positives[i] > 0 else { return 1 }
      return task == .multilabel
        ? max(known[i] - positives[i], 1) / positives[i]
        : Double(samples.count) / (Double(labelCount) * positives[i])
    }
  }

  /// The targets and the weights of elements for some samples, each `[N, logits]`.
  func targets(_ truths: [DataSet.Truth]) -> (targets: Tensor, weights: Tensor) {
    var targets: [Float] = []
    var elements: [Float] = []
    for truth in truths {
      switch (task, truth) {
      case (.binary, .label(let index)):
        targets.append(Float(index))
        elements.append(Float(weights?[index] ?? 1))
      case (_, .label(let index)):
        for i in 0..<labelCount { targets.append(i == index ? 1 : 0) }
        elements += [Float](repeating: 1, count: labelCount)
      case (_, .labels(let values)):
        for value in values {
          targets.append(value.isNaN ? 0 : value)
          elements.append(value.isNaN ? 0 : 1)
        }
      }
    }
    let shape: Shape = [truths.count, logitCount]
    return (Tensor(shape, targets), Tensor(shape, elements))
  }

  /// Records the loss of logits `[N, logits]`: a scalar.
  func loss(_ logits: Value, targets: Value, weights elements: Value) -> Value {
    let perLabel = weights.map { weights in
      logits.parameter(
        Tensor([weights.count], weights.map(Float.init)), named: "objective.weights")
    }
    switch task {
    case .multiclass: return logits.crossEntropy(targets, classWeights: perLabel)
    case .binary: return logits.binaryCrossEntropy(targets, weights: elements)
    case .multilabel:
      return logits.binaryCrossEntropy(targets, positiveWeights: perLabel, weights: elements)
    }
  }

  /// The loss of many logits at once.
  func loss(_ logits: Tensor, _ truths: [DataSet.Truth]) throws -> Double {
    let (targets, elements) = targets(truths)
    let recording = try Recording(inputs: [logits.shape, targets.shape, elements.shape]) {
      [loss($0[0], targets: $0[1], weights: $0[2])]
    }
    return Double(try recording(logits, targets, elements)[0].scalars[0])
  }

  /// The probabilities of the labels, one row a sample: both labels of ``Task/binary``.
  func probabilities(_ logits: Tensor) -> [[Double]] {
    let columns = logitCount
    let scalars = logits.scalars
    return stride(from: 0, to: scalars.count, by: columns).map { start in
      let row = scalars[start..<(start + columns)].map(Double.init)
      switch task {
      case .binary:
        return [sigmoid(-row[0]), sigmoid(row[0])]
      case .multilabel: return row.map(sigmoid)
      case .multiclass: return softmax(row)
      }
    }
  }
}
