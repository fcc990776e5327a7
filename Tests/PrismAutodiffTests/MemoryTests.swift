import PrismKernels
import PrismOperationCases
import PrismTensor
import Testing

@testable import PrismAutodiff

@Suite("memory of operations")
struct MemoryTests {
  @Test("an operation takes no more than it asks for", arguments: OperationCase.all)
  func size(_ test: OperationCase) throws {
    // Large enough to be counted.
    let inputs = test.makeInputs(scale: 64)
    let primitive = test.primitive
    let shape = try primitive.outputShape(inputs.map(\.shape))
    let budget = MemoryBudget(refusing: .max)
    try MemoryBudget.$current.withValue(budget) {
      let scratch = primitive.scratchSize(inputs.map(\.shape), output: shape)
      let output = try Memory.expecting(floats: 2 * shape.count + scratch) {
        primitive.forward(inputs)
      }
      let cotangent = output
      let operation = EvaluatedOperation(
        primitive: primitive, values: .init(inputs: inputs, output: output), reference: nil,
        wanted: test.wanted)
      _ = try Memory.expecting(floats: operation.pullbackSize) { operation.pullback(cotangent) }
    }
    #expect(budget.unexpected.isEmpty, "\(budget.unexpected) bytes")
  }
}
