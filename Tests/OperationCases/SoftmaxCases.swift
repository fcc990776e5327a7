import PrismAutodiff
import PrismTensor

private func rows(_ x: Grid, _ function: ([Double]) -> [Double]) -> Grid {
  let classes = x.shape[-1]
  var result = x
  for start in stride(from: 0, to: x.values.count, by: classes) {
    result.values.replaceSubrange(
      start..<start + classes, with: function(Array(x.values[start..<start + classes])))
  }
  return result
}

private func softmax(_ row: [Double]) -> [Double] {
  let exponentials = row.map(exponential)
  let sum = exponentials.reduce(0, +)
  return exponentials.map { $0 / sum }
}

extension OperationCase {
  /// Softmax and its logarithm.
  public static let softmax: [OperationCase] = [[1], [2, 1], [3, 7], [2, 2, 3, 5]].flatMap {
    (shape: Shape) in
    [
      OperationCase("", Softmax(), inputs: [shape], fillings: [.avoiding([])], reduction: 8) {
        rows($0[0], PrismOperationCases.softmax)
      },
      OperationCase("", LogSoftmax(), inputs: [shape], fillings: [.avoiding([])], reduction: 8) {
        rows($0[0]) { PrismOperationCases.softmax($0).map { logarithm($0) } }
      },
    ]
  }
}
