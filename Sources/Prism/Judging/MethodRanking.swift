/// Methods in the order of a measure, with what can be told apart, and what follows from it.
public struct MethodRanking: Sendable {
  /// A method that is ranked.
  public struct Method: Sendable, Equatable {
    /// Its name in sentences.
    public let title: String
    /// Whether it is a map that knows nothing of the model.
    public let isBaseline: Bool

    /// Describes a method.
    public init(title: String, isBaseline: Bool) {
      self.title = title
      self.isBaseline = isBaseline
    }
  }

  /// The measure that orders.
  public let measure: MapMeasure
  /// The numbers of the methods with the measure, the best first; baselines among them.
  public let order: [Int]
  /// The methods that cannot be told from the best one, the best one first; no baselines.
  public let leaders: [Int]
  /// The baselines that a method is not shown to be better than, a list a method.
  public let unbeaten: [[Int]]
  /// The pairs of the measure.
  public let pairs: [JudgedMaps.Pair]
  /// The means of the measure, one a method.
  public let estimates: [JudgedMaps.Estimate?]

  private let methods: [Method]
  private let seconds: [JudgedMaps.Estimate?]
  private let randomization: [JudgedMaps.Estimate?]

  /// The measure that ranks unless told otherwise: where regions are known mIoU, else ROAD, else
  /// insertion less deletion, else the sparseness of nothing: `nil`.
  public static func usual(of maps: JudgedMaps) -> MapMeasure? {
    let measures = maps.measures
    return [.iou, .road, .difference, .infidelity, .randomization, .sensitivity, .stability]
      .first(where: measures.contains)
  }

  /// Ranks methods.
  ///
  /// - Parameters:
  ///   - maps: What was measured.
  ///   - methods: The methods, as many as the maps have.
  ///   - measure: What orders.
  ///   - resamples: The resamples of the bootstrap.
  ///   - seed: Selects them.
  public init(
    _ maps: JudgedMaps, methods: [Method], by measure: MapMeasure, resamples: Int = 1000,
    seed: UInt64 = 0
  ) {
    self.measure = measure
    self.methods = methods
    let estimates = maps.estimates(of: measure, resamples: resamples, seed: seed)
    let pairs = maps.pairs(of: measure)
    order = methods.indices.filter { estimates[$0] != nil }.sorted { a, b in
      guard let first = estimates[a]?.value, let second = estimates[b]?.value else { return a < b }
      return first == second ? a < b : measure.isBetter(first, than: second)
    }
    func isBetter(_ a: Int, than b: Int) -> Bool {
      pairs.contains { $0.better == a && ($0.first == b || $0.second == b) }
    }
    let real = order.filter { !methods[$0].isBaseline }
    leaders =
      real.first.map { best in real.filter { $0 == best || !isBetter(best, than: $0) } } ?? []
    unbeaten = methods.indices.map { method in
      methods.indices.filter { other in
        methods[other].isBaseline && other != method && estimates[other] != nil
          && !isBetter(method, than: other)
      }
    }
    self.estimates = estimates
    self.pairs = pairs
    seconds = maps.estimates(of: .seconds, resamples: 0)
    randomization = maps.estimates(of: .randomization, resamples: 0)
  }

  /// Whether a method's maps stay as they are when the network is randomised, where that was
  /// tested.
  public func isBlind(_ method: Int) -> Bool {
    randomization[method].map { $0.value >= ParameterRandomization.limit } ?? false
  }

  /// The leaders that beat all baselines and look at the network, the best first.
  public var eligible: [Int] { leaders.filter { unbeaten[$0].isEmpty && !isBlind($0) } }

  /// What is advised: the best of the eligible methods that need no more than twice the time of the
  /// fastest of them, or 50 ms more; `nil` where there is none.
  public var choice: Int? {
    let eligible = eligible
    func time(_ method: Int) -> Double { seconds[method]?.value ?? .infinity }
    guard let least = eligible.map(time).min() else { return nil }
    return eligible.first { time($0) <= max(2 * least, least + 0.05) } ?? eligible.first
  }

  /// The fewest pictures of which any two methods can be told apart: the least p-value of a
  /// two-sided test of n pictures is 2 to the power of 1 − n, and Holm's method multiplies the least
  /// one by the number of pairs.
  static func fewestPictures(pairs: Int) -> Int {
    var (count, least) = (1, 1.0)
    while least * Double(max(pairs, 1)) >= JudgedMaps.level {
      count += 1
      least /= 2
    }
    return count
  }

  /// What to do, in plain sentences.
  ///
  /// - Parameters:
  ///   - pictures: How many pictures were judged.
  ///   - others: Rankings of the same methods by other measures; where one has other leaders, it is
  ///     said.
  /// - Returns: A few sentences; never empty.
  public func advice(pictures: Int, besides others: [MethodRanking] = []) -> String {
    guard let best = leaders.first, let value = estimates[best] else {
      return "No method made a map that could be judged."
    }
    func titles(_ numbers: [Int]) -> String { Self.list(numbers.map { methods[$0].title }) }
    var sentences: [String] = []
    // Of some there may be no map or no mask.
    let pictures = min(pictures, value.pictures)
    let fewest = Self.fewestPictures(pairs: pairs.count)
    if pictures < fewest {
      sentences.append(
        "\(pictures == 1 ? "One picture is" : "\(pictures) pictures are") too few to tell methods "
          + "apart; judge at least \(fewest), better 100.")
    }
    let number = Self.text(value)
    if let choice {
      let rivals = leaders.filter { $0 != choice }
      if choice == best {
        sentences.append(
          "For this model use \(methods[choice].title): it leads in \(measure.noun) (\(number)) and "
            + (rivals.isEmpty
              ? "is told apart from every other method."
              : "is better than the baselines; not told apart from it: \(titles(rivals))."))
      } else if eligible.contains(best) {
        sentences.append(
          "For this model use \(methods[choice].title): \(methods[best].title) leads in "
            + "\(measure.noun) (\(number)) but is not told apart from it, and takes much longer.")
      } else {
        sentences.append(
          "For this model use \(methods[choice].title): it is not told apart from "
            + "\(methods[best].title), which leads in \(measure.noun) (\(number)), and unlike it "
            + (unbeaten[best].isEmpty
              ? "changes when the network is randomised."
              : "is shown to be better than a map that knows nothing of the model."))
      }
    } else if !leaders.allSatisfy({ unbeaten[$0].isEmpty }) {
      // Those that lead and beat the baselines change little when the network is randomised.
      let failing = leaders.filter { !unbeaten[$0].isEmpty }
      let bases = Set(failing.flatMap { unbeaten[$0] }).sorted()
      let subject =
        failing.contains(best)
        ? "the best method, \(methods[best].title) (\(measure.noun) \(number)), is"
        : "\(methods[best].title) leads in \(measure.noun) (\(number)), but what it shows hardly "
          + "changes when the network is randomised, and \(titles(failing)), not told apart from it, "
          + (failing.count == 1 ? "is" : "are")
      sentences.append(
        "Do not rely on these maps for this model: \(subject) not shown to be better than a map that "
          + "knows nothing of the model (\(titles(bases))).")
    } else {
      sentences.append(
        "Do not rely on these maps for this model: \(titles(leaders)) "
          + "\(leaders.count == 1 ? "leads" : "lead") in \(measure.noun) (\(number)), but what "
          + "\(leaders.count == 1 ? "it shows" : "they show") hardly changes when the network is "
          + "randomised.")
    }
    let different = others.compactMap { other -> String? in
      guard let first = other.leaders.first, !other.leaders.contains(choice ?? best),
        let value = other.estimates[first]
      else { return nil }
      return "by \(other.measure.noun) \(methods[first].title) leads "
        + "(\(Text.decimal(value.value, decimals: 3)))"
    }
    if !different.isEmpty { sentences.append("Measures differ: \(Self.list(different)).") }
    let no = methods.indices.filter {
      !methods[$0].isBaseline && estimates[$0] != nil && !unbeaten[$0].isEmpty
        && !(choice == nil && leaders.contains($0))
    }
    if !no.isEmpty {
      sentences.append(
        "Not shown to be better than a map that knows nothing of the model: \(titles(no)).")
    }
    let blind = methods.indices.filter {
      !methods[$0].isBaseline && isBlind($0) && !(choice == nil && leaders.contains($0))
    }
    if !blind.isEmpty {
      sentences.append(
        "Hardly changed when the network is randomised, so no explanation of it: \(titles(blind)).")
    }
    return sentences.joined(separator: " ")
  }

  /// A mean with its interval.
  static func text(_ estimate: JudgedMaps.Estimate) -> String {
    let value = Text.decimal(estimate.value, decimals: 3)
    guard let interval = estimate.interval else { return value }
    return "\(value), 95 % \(Text.decimal(interval.lowerBound, decimals: 3)) to "
      + Text.decimal(interval.upperBound, decimals: 3)
  }

  private static func list(_ names: [String]) -> String {
    guard let last = names.last, names.count > 1 else { return names.first ?? "" }
    return names.dropLast().joined(separator: ", ") + " and " + last
  }
}
