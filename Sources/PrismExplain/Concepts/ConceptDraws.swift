internal import PrismTensor

/// Which examples and random inputs are in which run of a ``ConceptTest``.
struct ConceptDraws {
  /// Those that a plane is laid by, and those that it is tried on.
  struct Side {
    /// Those that the plane is laid by.
    let seen: [Int]
    /// Those that it is tried on.
    let kept: [Int]

    /// Takes parts as they are.
    init(seen: [Int], kept: [Int]) {
      self.seen = seen
      self.kept = kept
    }

    /// Keeps a third apart, at least one.
    init(_ all: [Int]) {
      let count = max(all.count / 3, 1)
      seen = Array(all.dropLast(count))
      kept = Array(all.suffix(count))
    }
  }

  /// What is told apart.
  struct Sides {
    let positive, negative: Side
  }

  /// Examples of the concept against random inputs, a pair of sides a run.
  private(set) var concept: [Sides] = []
  /// Random inputs against others.
  private(set) var chance: [Sides] = []
  /// Whether several runs with the concept have random inputs in common.
  let isShared: Bool

  /// How many different examples are kept apart in any run with the concept: twice those of the
  /// side with fewer.
  var distinct: Int {
    func count(_ side: (Sides) -> Side) -> Int { Set(concept.flatMap { side($0).kept }).count }
    return 2 * min(count(\.positive), count(\.negative))
  }

  /// Takes sides as they are.
  init(concept: [Sides], chance: [Sides]) {
    self.concept = concept
    self.chance = chance
    isShared = false
  }

  /// Draws.
  ///
  /// - Parameters:
  ///   - positive: The number of examples, which come first.
  ///   - random: The number of random inputs, which follow.
  ///   - runs: The number of runs.
  ///   - seed: Selects who is in which.
  init(positive: Int, random: Int, runs: Int, seed: UInt64) {
    var generator = SeededRandom(seed: seed)
    let examples = Array(0..<positive)
    let pool = Array(positive..<positive + random)
    let size = min(positive, random)
    isShared = random < runs * size
    var rest: [Int] = []
    // Disjoint as long as there are enough.
    func draw(_ count: Int) -> [Int] {
      if rest.count < count { rest = pool.shuffled(using: &generator) }
      let drawn = Array(rest.prefix(count))
      rest.removeFirst(count)
      return drawn
    }
    for _ in 0..<runs {
      concept.append(
        Sides(
          positive: Side(examples.shuffled(using: &generator)), negative: Side(draw(size))))
    }
    for _ in 0..<runs {
      let both = pool.shuffled(using: &generator)
      let half = min(size, random / 2)
      chance.append(
        Sides(
          positive: Side(Array(both.prefix(half))),
          negative: Side(Array(both.dropFirst(half).prefix(half)))))
    }
  }
}
