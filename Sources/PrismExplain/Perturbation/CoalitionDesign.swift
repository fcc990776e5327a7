internal import PrismRuntime
internal import PrismTensor

/// The subsets of segments that KernelSHAP evaluates, and their weights, which add up to 1.
struct CoalitionDesign: Sendable {
  private(set) var coalitions: Coalitions
  private(set) var weights: [Double] = []
  /// How many subsets come from sizes that were taken in full; the rest was drawn in pairs.
  private(set) var enumerated = 0

  /// Takes subset sizes in full, from both ends, as long as the samples suffice, and draws the
  /// rest.
  ///
  /// - Throws: `CancellationError` where the work does not go on.
  init(segments d: Int, samples: Int, seed: UInt64, work: Work = .unwatched) throws {
    coalitions = Coalitions(segments: d)
    // The weight of all subsets of a size, normalised.
    let sizes = (1..<d).map { Double(d - 1) / (Double($0) * Double(d - $0)) }
    let total = sizes.reduce(0, +)
    var left = 1.0
    var size = 1
    while size <= d / 2 {
      let isOwnPair = 2 * size == d
      let share = sizes[size - 1] / total * (isOwnPair ? 1 : 2)
      let subsets = Self.binomial(d, size) * (isOwnPair ? 1 : 2)
      let free = Double(samples - coalitions.count)
      guard subsets <= free, free * share / left >= subsets * (1 - 1e-8) else { break }
      enumerate(size, weight: share / subsets, withComplements: !isOwnPair)
      left -= share
      size += 1
    }
    enumerated = coalitions.count
    guard size <= d / 2 else { return }
    let pairs = max((samples - enumerated) / 2, 1)
    try draw(
      pairs, from: size, sizes: Array(sizes[size - 1..<d - size]), seed: seed, work: work)
    weights += [Double](repeating: left / Double(2 * pairs), count: 2 * pairs)
  }

  /// The same with only the first of the drawn pairs, which share the weight of all.
  ///
  /// - Parameter count: The number of subsets that are left, no fewer than the enumerated ones.
  /// - Returns: A design whose weights add up to 1.
  func prefix(_ count: Int) -> CoalitionDesign {
    guard count < coalitions.count else { return self }
    var design = self
    design.coalitions = coalitions.prefix(count)
    let share = Double(coalitions.count - enumerated) / Double(max(count - enumerated, 1))
    design.weights = weights[..<enumerated] + weights[enumerated..<count].map { $0 * share }
    return design
  }

  /// Draws subsets by the weights of their sizes, each with its complement.
  private mutating func draw(
    _ pairs: Int, from first: Int, sizes: [Double], seed: UInt64, work: Work
  ) throws {
    let d = coalitions.segments
    let total = sizes.reduce(0, +)
    for pair in 0..<pairs {
      if pair.isMultiple(of: 1024) { try work.check() }
      var random = SeededRandom(seed: seed, sample: pair)
      var place = Double(random.next() >> 11) * 0x1p-53 * total
      var chosen = first
      for (offset, weight) in sizes.enumerated() {
        chosen = first + offset
        place -= weight
        if place < 0 { break }
      }
      var order = Array(0..<d)
      var isOn = [Bool](repeating: false, count: d)
      for k in 0..<chosen {
        order.swapAt(k, k + Int(random.next(upperBound: UInt64(d - k))))
        isOn[order[k]] = true
      }
      coalitions.append { isOn[$0] }
      coalitions.appendComplement()
    }
  }

  private mutating func enumerate(_ size: Int, weight: Double, withComplements: Bool) {
    let d = coalitions.segments
    var chosen = Array(0..<size)
    while true {
      var isOn = [Bool](repeating: false, count: d)
      for j in chosen { isOn[j] = true }
      coalitions.append { isOn[$0] }
      weights.append(weight)
      if withComplements {
        coalitions.appendComplement()
        weights.append(weight)
      }
      guard let last = chosen.indices.last(where: { chosen[$0] < d - size + $0 }) else { return }
      chosen[last] += 1
      for k in last + 1..<max(size, last + 1) { chosen[k] = chosen[k - 1] + 1 }
    }
  }

  private static func binomial(_ n: Int, _ k: Int) -> Double {
    (0..<k).reduce(1.0) { ($0 * Double(n - $1) / Double($1 + 1)).rounded() }
  }
}
