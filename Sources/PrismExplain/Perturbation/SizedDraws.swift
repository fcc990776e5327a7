internal import PrismRuntime
internal import PrismTensor

/// Subsets of segments, each with its complement, without replacement: sizes in turn as often as
/// they deserve, and none more often than it has subsets.
///
/// The first two are the whole and the empty one. What is drawn does not depend on how much is:
/// fewer draws are the first of more. Definition: paired draws, Covert and Lee, "Improving
/// KernelSHAP", AISTATS 2021; without replacement, Musco and Witter, "Provably Accurate Shapley
/// Value Estimation via Leverage Score Sampling", ICLR 2025.
struct SizedDraws {
  /// The most segments whose subsets can be counted.
  static let segmentLimit = 500
  /// The most samples that are remembered, so that none is drawn twice.
  static let sampleLimit = 1 << 17

  /// Whether that many segments and samples are not too many.
  static func suffice(segments: Int, samples: Int) -> Bool {
    segments <= segmentLimit && samples <= sampleLimit
  }

  /// What to tell where they are, and samples are drawn as they were published.
  static func note(segments: Int, samples: Int, isDefined: Bool = true) -> String {
    "\(samples) samples were drawn as published: "
      + (!isDefined
        ? "the kernel is so narrow that nothing but the whole image has a weight"
        : segments > segmentLimit
          ? "\(segments) segments are more than the \(segmentLimit) whose subsets are counted"
          : "that many are not remembered one by one")
  }

  private(set) var coalitions: Coalitions
  /// How often each size deserves to be drawn, by the size of the smaller subset of a pair.
  let masses: [Double]
  /// The size of the first subset of every pair.
  private(set) var sizes: [Int] = []
  /// How many pairs have a size.
  let available: [Double]

  /// Draws subsets.
  ///
  /// - Parameters:
  ///   - functional: What they are drawn for.
  ///   - samples: How many at the most, with the whole and the empty one.
  ///   - seed: The seed of the draws.
  ///   - work: Is asked whether it goes on.
  /// - Throws: `CancellationError`.
  init(
    for functional: SizedFunctional, samples: Int, seed: UInt64, work: Work = .unwatched
  ) throws {
    let d = functional.segments
    masses = functional.drawing
    available = (0...d / 2).map { size in
      size == 0 ? 0 : SizedFunctional.subsets(d, size: size) / (2 * size == d ? 2 : 1)
    }
    coalitions = Coalitions(segments: d)
    coalitions.append { _ in true }
    coalitions.append { _ in false }
    var drawn = [DrawnSubsets](repeating: DrawnSubsets(), count: masses.count)
    let start = CounterRandom(seed: seed).uniform(0)
    for pair in 0..<max((samples - 2) / 2, 0) {
      if pair.isMultiple(of: 1024) { try work.check() }
      let open = masses.indices.filter { drawn[$0].count < available[$0] }
      guard !open.isEmpty else { return }
      let place = start + Self.reversedBits(pair)
      let size = Self.choose(place - place.rounded(.down), among: open, masses: masses)
      var random = SeededRandom(seed: seed, sample: pair)
      let subset = drawn[size].next(size, of: d, available: available[size], &random)
      sizes.append(size)
      let isOn = Set(subset)
      coalitions.append { isOn.contains($0) }
      coalitions.appendComplement()
    }
  }

  /// The number of pairs among the first samples.
  static func pairs(in samples: Int) -> Int { max((samples - 2) / 2, 0) }

  /// How many of the first pairs have each size.
  func counts(pairs: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: masses.count)
    for size in sizes.prefix(pairs) { counts[size] += 1 }
    return counts
  }

  /// Van der Corput's sequence: every stretch of it covers the range from 0 to 1 evenly.
  private static func reversedBits(_ index: Int) -> Double {
    var bits = UInt64(index)
    var (result, step) = (0.0, 0.5)
    while bits > 0 {
      if bits & 1 == 1 { result += step }
      (bits, step) = (bits >> 1, step / 2)
    }
    return result
  }

  private static func choose(_ place: Double, among sizes: [Int], masses: [Double]) -> Int {
    let total = sizes.reduce(0) { $0 + masses[$1] }
    var left = place * total
    for size in sizes {
      left -= masses[size]
      if left < 0 { return size }
    }
    return sizes[sizes.count - 1]
  }
}

/// The subsets of a size that have been drawn.
private struct DrawnSubsets {
  private var drawn: Set<[Int]> = []
  /// Those that are left, once they are few.
  private var left: [[Int]] = []

  var count: Double { Double(drawn.count) }

  /// A subset that was not drawn before, in ascending order; one of half the segments has the first
  /// segment.
  mutating func next(
    _ size: Int, of d: Int, available: Double, _ random: inout SeededRandom
  ) -> [Int] {
    let isHalf = 2 * size == d
    if left.isEmpty, 2 * count >= available {
      Self.forEachSubset(size, of: d) { subset in
        if !(isHalf && subset[0] != 0), !drawn.contains(subset) { left.append(subset) }
      }
    }
    if !left.isEmpty {
      left.swapAt(Int(random.next(upperBound: UInt64(left.count))), left.count - 1)
      let subset = left.removeLast()
      drawn.insert(subset)
      return subset
    }
    while true {
      var order = Array(0..<d)
      for k in 0..<size {
        order.swapAt(k, k + Int(random.next(upperBound: UInt64(d - k))))
      }
      var subset = order[..<size].sorted()
      if isHalf, subset[0] != 0 { subset = order[size...].sorted() }
      if drawn.insert(subset).inserted { return subset }
    }
  }

  /// Visits all subsets of a size, each in ascending order.
  private static func forEachSubset(_ size: Int, of d: Int, _ visit: ([Int]) -> Void) {
    var chosen = Array(0..<size)
    while true {
      visit(chosen)
      guard let last = chosen.indices.last(where: { chosen[$0] < d - size + $0 }) else { return }
      chosen[last] += 1
      for k in last + 1..<max(size, last + 1) { chosen[k] = chosen[k - 1] + 1 }
    }
  }
}
