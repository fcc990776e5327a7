import PrismAutodiff
public import PrismOperationCases
import PrismTensor
import Testing

/// The spacing of `Float` at one.
public let epsilon = Double(Float.ulpOfOne)

extension OperationCase {
  /// Compares the operation's forward result with the reference.
  ///
  /// The tolerance is that of a sum of `reduction` rounded products in any order, with a factor of
  /// four for the rounding of elementary functions: `4 · (reduction + 4) · ε`.
  public func checkForward() throws {
    let inputs = makeInputs()
    let output = primitive.forward(inputs)
    expectClose(
      output, reference(inputs.map(Grid.init)), tolerance: 4 * Double(reduction + 4) * epsilon,
      "\(description), forward")
    let shape = try primitive.outputShape(self.inputs)
    #expect(output.shape == shape, "\(description), shape rule")
  }

  /// Compares every cotangent of the operation's pullback with central differences of the
  /// reference, in Double.
  ///
  /// The output's cotangent is random. Central differences of step `h` err by `h²` times the third
  /// derivative and by the rounding of Double over `h`: at `h = 1e-5` both stay near 1e-10, far
  /// below the rounding of the pullback itself, which adds up as many products as an input element
  /// has uses.
  public func checkPullback() throws {
    guard isDifferentiable else { return }
    let inputs = makeInputs()
    let output = primitive.forward(inputs)
    var random = SeededRandom(seed: 0xFEDC_BA98_7654_3210)
    let cotangent = Tensor.uniform(output.shape, in: -1..<1, using: &random)
    let cotangents = primitive.pullback(
      cotangent, inputs: inputs, output: output, wanted: wanted)
    let exact = inputs.map(Grid.init)
    let weights = Grid(cotangent).values
    for (index, isWanted) in wanted.enumerated() where isWanted {
      guard let actual = cotangents[index] else {
        expectClose(
          Tensor(0), exact[index], tolerance: 0, "\(description): cotangent \(index) is nil")
        continue
      }
      var expected = Grid(exact[index].shape)
      let step = 1e-5
      for i in expected.values.indices {
        var moved = exact
        moved[index].values[i] += step
        let above = reference(moved).values
        moved[index].values[i] -= 2 * step
        let below = reference(moved).values
        var slope = 0.0
        for j in weights.indices { slope += weights[j] * (above[j] - below[j]) }
        expected.values[i] = slope / (2 * step)
      }
      let uses = max(reduction, output.count)
      expectClose(
        actual, expected, tolerance: 4 * Double(uses + 4) * epsilon + 1e-8,
        "\(description), cotangent of input \(index)")
    }
  }

  /// Checks that a pullback computes what is wanted and nothing else.
  public func checkWanted() {
    guard isDifferentiable else { return }
    let inputs = makeInputs()
    let output = primitive.forward(inputs)
    let cotangent = Tensor(output.shape, repeating: 1)
    for index in inputs.indices where wanted[index] {
      var only = inputs.map { _ in false }
      only[index] = true
      let results = primitive.pullback(cotangent, inputs: inputs, output: output, wanted: only)
      for (i, result) in results.enumerated() {
        expectNil(result, i == index, "\(description): wanted \(index), got \(i)")
      }
    }
  }
}
