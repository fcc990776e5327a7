import PrismAutodiff
import PrismTensor

/// A fully connected layer of the definition; the inputs are x, the weight and, optionally, the
/// bias.
package func naiveDense(_ inputs: [Grid]) -> Grid {
  let (x, w) = (inputs[0], inputs[1])
  var y = Grid([x.shape[0], w.shape[0]])
  for n in 0..<x.shape[0] {
    for o in 0..<w.shape[0] {
      var sum = inputs.count == 3 ? inputs[2][o] : 0
      for i in 0..<x.shape[1] { sum += x[n, i] * w[o, i] }
      y[n, o] = sum
    }
  }
  return y
}

extension OperationCase {
  /// Fully connected layers.
  public static let dense: [OperationCase] = [
    ("", [3, 5], 4, true), ("without bias", [2, 7], 3, false), ("one number", [1, 1], 1, true),
  ].map { (label: String, input: Shape, outputs: Int, bias: Bool) in
    OperationCase(
      label, FullyConnected(), inputs: [input, [outputs, input[1]]] + (bias ? [[outputs]] : []),
      reduction: input[1], reference: naiveDense)
  }
}
