internal import PrismTensor

extension DataSet {
  /// Divides samples 80/10/10 in an order that depends on names and the seed alone, each label by
  /// itself.
  static func divided(
    _ samples: [Sample], missing: [Sample], seed: UInt64, into fractions: [(String, Double)]
  ) -> [Split] {
    var groups: [Int: [(key: UInt64, sample: Sample, isMissing: Bool)]] = [:]
    for (list, isMissing) in [(samples, false), (missing, true)] {
      for sample in list {
        let group: Int
        switch sample.truth {
        case .label(let index): group = index
        case .labels(let values): group = values.firstIndex(of: 1) ?? values.count
        }
        let key = CounterRandom(name: "\(seed)/\(sample.shortPath)").bits(0)
        groups[group, default: []].append((key, sample, isMissing))
      }
    }
    var parts = [(found: [Sample], missing: [Sample])](
      repeating: ([], []), count: fractions.count)
    for group in groups.keys.sorted() {
      let members = (groups[group] ?? []).sorted {
        ($0.key, $0.sample.path) < ($1.key, $1.sample.path)
      }
      var start = 0
      // The first part takes what rounding leaves.
      for part in fractions.indices.reversed() {
        let count = Int((Double(members.count) * fractions[part].1).rounded())
        let end = part == 0 ? members.count : min(members.count, start + count)
        for member in members[start..<end] {
          if member.isMissing {
            parts[part].missing.append(member.sample)
          } else {
            parts[part].found.append(member.sample)
          }
        }
        start = end
      }
    }
    return fractions.indices.map { i in
      Split(
        name: fractions[i].0, samples: parts[i].found.sorted { $0.path < $1.path },
        missing: parts[i].missing.sorted { $0.path < $1.path })
    }
  }

  /// The usual shares of the three splits.
  static let fractions = [("training", 0.8), ("validation", 0.1), ("testing", 0.1)]

  /// Divides samples about 80/10/10 so that a group, such as a patient, is in one split.
  ///
  /// Groups come in an order that depends on their names and the seed alone; the first of them fill
  /// testing, the next validation. With three groups or more every split has one.
  static func divided(
    _ members: [(sample: Sample, isMissing: Bool, group: String)], seed: UInt64
  ) -> [Split] {
    let groups = Dictionary(grouping: members, by: \.group)
    let order = groups.keys.sorted {
      (CounterRandom(name: "\(seed)/\($0)").bits(0), $0)
        < (CounterRandom(name: "\(seed)/\($1)").bits(0), $1)
    }
    var parts: [String: [(sample: Sample, isMissing: Bool, group: String)]] = [:]
    let least = Double(members.count) / 10
    for (place, group) in order.enumerated() {
      let left = order.count - place
      let name =
        Double(parts["testing"]?.count ?? 0) < least
          && (left > 2 || parts["testing"] == nil && left > 1)
        ? "testing"
        : Double(parts["validation"]?.count ?? 0) < least && left > 1 ? "validation" : "training"
      parts[name, default: []] += groups[group] ?? []
    }
    return splitNames.map { name in
      let members = (parts[name] ?? []).sorted { $0.sample.path < $1.sample.path }
      return Split(
        name: name, samples: members.filter { !$0.isMissing }.map(\.sample),
        missing: members.filter(\.isMissing).map(\.sample))
    }
  }
}
