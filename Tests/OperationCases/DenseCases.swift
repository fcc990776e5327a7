import PrismAutodiff
import PrismTensor

extension OperationCase {
  /// Fully connected layers.
  public static let dense: [OperationCase] = [
    ("", [3, 5], 4, true), ("without bias", [2, 7], 3, false), ("one number", [1, 1], 1, true),
  ].map { (label: String, input: Shape, outputs: Int, bias: Bool) in
    OperationCase(
      label, Dense(), inputs: [input, [outputs, input[1]]] + (bias ? [[outputs]] : []),
      reduction: input[1]
    ) { grids in
      var y = Grid([input[0], outputs])
      for n in 0..<input[0] {
        for o in 0..<outputs {
          var sum = bias ? grids[2][o] : 0
          for i in 0..<input[1] { sum += grids[0][n, i] * grids[1][o, i] }
          y[n, o] = sum
        }
      }
      return y
    }
  }
}
