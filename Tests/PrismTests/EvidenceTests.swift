import PrismTensor
import Testing

@testable import Prism

@Suite("the strongest places of a map")
struct EvidenceTests {
  /// Small maps are not smoothed, so their places can be counted by hand.
  @Test(
    "are the fewest that hold half of the positive sum, and all that are as strong as the weakest",
    arguments: [
      ([4, 3, 2, 1, 0, -9], [1, 1, 0, 0, 0, 0]), ([1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]),
      ([0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]), ([-1, -2, -3, -1, -1, -5], [0, 0, 0, 0, 0, 0]),
      ([0, 0, 7, 0, 0, 0], [0, 0, 1, 0, 0, 0]), ([3, 2, 2, 2, 1, 0], [1, 1, 1, 1, 0, 0]),
      ([5, 5, 4, 4, 1, 1], [1, 1, 0, 0, 0, 0]),
    ] as [([Float], [Float])])
  func byHand(values: [Float], mask: [Float]) {
    #expect(Evidence(of: Tensor([2, 3], values)).mask == Tensor([2, 3], mask))
  }

  @Test("are what sorting finds", arguments: 0..<20)
  func bySorting(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    // Few levels give many ties.
    let levels: UInt64 = seed % 2 == 0 ? 7 : 1000
    let values = (0..<1500).map { _ in Float(random.next() % levels) - 2 }
    let positive = values.map { max(Double($0), 0) }
    let total = positive.reduce(0, +)
    var (sum, threshold) = (0.0, Double.infinity)
    for value in positive.sorted(by: >) {
      if sum >= total / 2 { break }
      sum += value
      threshold = value
    }
    let expected = positive.map { Float($0 >= threshold && $0 > 0 ? 1 : 0) }
    #expect(Evidence(of: Tensor([50, 30], values)).mask == Tensor([50, 30], expected))
  }
}
