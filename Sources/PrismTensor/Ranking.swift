extension Array where Element == Float {
  /// The number that would stand at a place if the numbers were sorted; any of them where some are
  /// not finite.
  ///
  /// Only those near it are sorted: the numbers are counted in intervals of equal width first.
  ///
  /// - Parameter rank: The place, counted from the least.
  /// - Returns: What `sorted()[rank]` is.
  package func element(atRank rank: Int) -> Float {
    let count = 1024
    let least = Double(self.min() ?? 0)
    let width = Double(self.max() ?? 0) - least
    guard width > 0 else { return self[rank] }
    let scale = Double(count) / width
    func interval(_ value: Float) -> Int {
      let place = (Double(value) - least) * scale
      return place < Double(count) ? Int(Swift.max(place, 0)) : count - 1
    }
    var sizes = [Int](repeating: 0, count: count)
    for value in self { sizes[interval(value)] += 1 }
    var place = 0
    var before = 0
    while before + sizes[place] <= rank {
      before += sizes[place]
      place += 1
    }
    return filter { interval($0) == place }.sorted()[rank - before]
  }
}
