import PrismAutodiff
import PrismOperationCases
import PrismTestSupport
import Testing

@Suite("operations")
struct OperationTests {
  @Test("forward agrees with the definition", arguments: OperationCase.all)
  func forward(_ operation: OperationCase) throws {
    try operation.checkForward()
  }

  @Test("pullback agrees with central differences", arguments: OperationCase.all)
  func pullback(_ operation: OperationCase) throws {
    try operation.checkPullback()
  }

  @Test("pullback computes only what is wanted", arguments: OperationCase.all)
  func wanted(_ operation: OperationCase) {
    operation.checkWanted()
  }
}
