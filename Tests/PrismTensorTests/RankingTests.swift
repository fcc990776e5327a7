import PrismTensor
import Testing

@Suite("a number at a rank")
struct RankingTests {
  @Test(
    "is the one that sorting puts there",
    arguments: [
      [3], [2, 2, 2], [1, -1], [-3, 4, 0, 4, -3, 9], [1e30, -3e38, 3e38, 0, -0.0, 1],
      [0, 1e-40, 2e-40, 1e-45], [0, 1, 1.0000001, 1.0000002, 1000],
    ] as [[Float]])
  func small(_ numbers: [Float]) {
    for rank in numbers.indices {
      #expect(numbers.element(atRank: rank) == numbers.sorted()[rank])
    }
  }

  @Test("is found among many", arguments: 0..<4 as Range<UInt64>)
  func many(_ seed: UInt64) {
    var random = SeededRandom(seed: seed)
    // Even, crowded near zero, and with many that are equal.
    for power in [1, 9] {
      let numbers = (0..<5000).map { _ in
        let number = 2 * random.uniform() - 1
        return (0..<power).reduce(Float(1)) { product, _ in product * number }
      }
      let rounded = numbers.map { ($0 * 8).rounded() }
      for list in [numbers, rounded] {
        let sorted = list.sorted()
        for rank in [0, 1, 50, 2500, 4949, 4998, 4999] {
          #expect(list.element(atRank: rank) == sorted[rank])
        }
      }
    }
  }

  @Test("numbers that are not finite do no harm")
  func hostile() {
    for numbers: [Float] in [
      [.nan, .nan], [.nan, 1, 2], [1, .nan, 2], [.infinity, 1, 2], [-.infinity, .infinity, 0],
    ] {
      for rank in numbers.indices { _ = numbers.element(atRank: rank) }
    }
  }
}
