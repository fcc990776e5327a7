import PrismCard
import Testing

@testable import Prism

@Suite("predictions")
struct PredictionTests {
  @Test(
    "the most probable label comes first, and equals keep the model's order",
    arguments: [
      ([1, 3, 2], [1, 2, 0]), ([2, 2, 2], [0, 1, 2]), ([0, 5, 5, 1], [1, 2, 3, 0]), ([7], [0]),
      // Sigmoids that are 1 alike are told apart by their logits.
      ([40, 50, 60], [2, 1, 0]),
    ] as [([Double], [Int])])
  func order(logits: [Double], expected: [Int]) {
    let prediction = Prediction(
      logits: logits, labels: logits.indices.map { "label \($0)" },
      output: .sigmoid(threshold: 0.5))
    #expect(prediction.ranked.map(\.index) == expected)
    #expect(prediction.top == prediction.ranked[0])
  }
}
