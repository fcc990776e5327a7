import PrismAutodiff
import PrismTensor

extension OperationCase {
  public static let elementwise: [OperationCase] = [
    OperationCase("", ReLU6(), inputs: [[2, 3, 4, 5]], fillings: [.avoiding([0, 6])]) {
      $0[0].map { min(max($0, 0), 6) }
    }
  ]
}
