import PrismAutodiff
import PrismTensor

/// The cross entropy of the definition; the inputs are logits, targets and, optionally, class
/// weights.
package func naiveCrossEntropy(_ inputs: [Grid]) -> Grid {
  let (x, t) = (inputs[0], inputs[1])
  var loss = 0.0
  for n in 0..<x.shape[0] {
    let sum = (0..<x.shape[1]).reduce(0) { $0 + exponential(x[n, $1]) }
    for k in 0..<x.shape[1] {
      let weight = inputs.count == 3 ? inputs[2][k] : 1
      loss -= weight * t[n, k] * logarithm(exponential(x[n, k]) / sum)
    }
  }
  return Grid([], [loss / Double(x.shape[0])])
}

private func binaryCrossEntropy(positive: Bool, elements: Bool, _ inputs: [Grid]) -> Grid {
  let (x, t) = (inputs[0], inputs[1])
  var (loss, total) = (0.0, 0.0)
  for n in 0..<x.shape[0] {
    for k in 0..<x.shape[1] {
      let probability = 1 / (1 + exponential(-x[n, k]))
      let p = positive ? inputs[2][k] : 1
      let w = elements ? inputs[positive ? 3 : 2][n, k] : 1
      loss -=
        w * (p * t[n, k] * logarithm(probability) + (1 - t[n, k]) * logarithm(1 - probability))
      total += w
    }
  }
  return Grid([], [loss / total])
}

extension OperationCase {
  /// Losses.
  public static let loss: [OperationCase] =
    [[3, 5], [1, 2]].flatMap { (shape: Shape) in
      [
        OperationCase(
          "", CrossEntropy(), inputs: [shape, shape], fillings: [.avoiding([]), .positive],
          reduction: shape.count, reference: naiveCrossEntropy),
        OperationCase(
          "with class weights", CrossEntropy(), inputs: [shape, shape, [shape[1]]],
          fillings: [.avoiding([]), .positive, .positive], reduction: shape.count,
          reference: naiveCrossEntropy),
      ]
        + [(false, false), (true, false), (false, true), (true, true)].map { positive, elements in
          OperationCase(
            (positive ? "positive weights " : "") + (elements ? "element weights" : ""),
            BinaryCrossEntropy(hasPositiveWeights: positive, hasElementWeights: elements),
            inputs: [shape, shape] + (positive ? [[shape[1]]] : []) + (elements ? [shape] : []),
            fillings: [.avoiding([]), .signed] + (positive ? [.positive] : [])
              + (elements ? [.positive] : []),
            reduction: shape.count
          ) { binaryCrossEntropy(positive: positive, elements: elements, $0) }
        }
    }
    + [
      OperationCase(
        "one-hot", CrossEntropy(), inputs: [[2, 3], [2, 3]],
        fillings: [.signed, .fixed([0, 1, 0, 1, 0, 0])], reduction: 6,
        reference: naiveCrossEntropy),
      OperationCase(
        "with ignored elements",
        BinaryCrossEntropy(hasElementWeights: true), inputs: [[2, 3], [2, 3], [2, 3]],
        fillings: [.avoiding([]), .fixed([1, 0, 1, 0, 0, 1]), .fixed([1, 1, 0, 1, 0, 1])],
        reduction: 6
      ) { binaryCrossEntropy(positive: false, elements: true, $0) },
    ]
}
