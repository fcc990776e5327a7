internal import PrismAutodiff
internal import PrismTensor

extension Update {
  /// The smallest rectangle that holds all pixels in which two images differ, bit by bit; `nil`
  /// where they do not.
  func difference(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>
  ) -> Rectangle? {
    var union: Rectangle?
    forEachDifferentRow(a, b) { y, columns in
      let row = Rectangle(rows: y..<y + 1, columns: columns)
      union = union?.union(row) ?? row
    }
    return union
  }

  /// What one of the changes alters by which an image becomes another.
  struct Alteration: Sendable {
    let altered: [Rectangle?]
    /// The part of all operations that it takes.
    let share: Double
  }

  /// The pixels between two differences that are told apart.
  private static let gap = 8
  /// The most rectangles.
  private static let mostParts = 3

  /// The changes, one after the other, by which an image becomes another: rectangles that hold all
  /// pixels in which they differ, bit by bit, as many as take the fewest operations; none where they
  /// do not differ.
  func differences(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>
  ) -> [Alteration] {
    let (width, channels) = (inputShape[2], inputShape[3])
    var parts: [Rectangle] = []
    forEachDifferentRow(a, b) { y, columns in
      // Runs of a row, with no wide gap in between.
      let (x, z) = (a + y * width * channels, b + y * width * channels)
      var start = columns.lowerBound
      var last = start
      func close() {
        let run = Rectangle(rows: y..<y + 1, columns: start..<last + 1)
        // A run goes to the part above it.
        let near = parts.firstIndex {
          $0.rows.upperBound + Self.gap > y
            && $0.columns.lowerBound < run.columns.upperBound + Self.gap
            && run.columns.lowerBound < $0.columns.upperBound + Self.gap
        }
        if let near { parts[near] = parts[near].union(run) } else { parts.append(run) }
      }
      for column in columns {
        let first = column * channels
        let differs = (first..<first + channels).contains {
          x[$0].bitPattern != z[$0].bitPattern
        }
        guard differs else { continue }
        if column - last > Self.gap {
          close()
          start = column
        }
        last = column
      }
      close()
    }
    return joined(parts)
  }

  /// Joins rectangles down to a few, and further where that takes fewer operations.
  private func joined(_ rectangles: [Rectangle]) -> [Alteration] {
    func alteration(_ rectangle: Rectangle) -> Alteration {
      let altered = altered(by: rectangle)
      return Alteration(altered: altered, share: share(of: altered))
    }
    // Many are far from anything that pays.
    guard rectangles.count <= 16 else { return [alteration(Rectangle(around: rectangles))] }
    var rectangles = rectangles
    func pairs() -> [(Int, Int)] {
      rectangles.indices.flatMap { first in (0..<first).map { ($0, first) } }
    }
    while rectangles.count > Self.mostParts {
      func growth(_ pair: (Int, Int)) -> Int {
        let (a, b) = (rectangles[pair.0], rectangles[pair.1])
        return a.union(b).area - a.area - b.area
      }
      guard let (first, second) = pairs().min(by: { growth($0) < growth($1) }) else { break }
      rectangles[first] = rectangles[first].union(rectangles.remove(at: second))
    }
    var found = rectangles.map(alteration)
    while found.count > 1 {
      let joins = pairs().map { first, second in
        let union = rectangles[first].union(rectangles[second])
        return (first, second, union, alteration(union))
      }
      func gain(_ join: (Int, Int, Rectangle, Alteration)) -> Double {
        found[join.0].share + found[join.1].share - join.3.share
      }
      guard let best = joins.max(by: { gain($0) < gain($1) }), gain(best) >= 0 else { break }
      (rectangles[best.0], found[best.0]) = (best.2, best.3)
      rectangles.remove(at: best.1)
      found.remove(at: best.1)
    }
    return found
  }

  /// Visits the rows in which two images differ, with the columns from the first to the last
  /// difference.
  private func forEachDifferentRow(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ body: (Int, Range<Int>) -> Void
  ) {
    let (height, width, channels) = (inputShape[1], inputShape[2], inputShape[3])
    let row = width * channels
    for y in 0..<height {
      let (x, z) = (a + y * row, b + y * row)
      guard let first = firstDifference(x, z, row) else { continue }
      var last = row - 1
      while x[last].bitPattern == z[last].bitPattern { last -= 1 }
      body(y, first / channels..<last / channels + 1)
    }
  }

  /// The first number that differs.
  private func firstDifference(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int
  ) -> Int? {
    // In blocks, whose bits are compared at once.
    var start = 0
    while start < count {
      let end = min(start + 64, count)
      var difference: UInt32 = 0
      for i in start..<end { difference |= a[i].bitPattern ^ b[i].bitPattern }
      if difference != 0 {
        return (start..<end).first { a[$0].bitPattern != b[$0].bitPattern }
      }
      start = end
    }
    return nil
  }
}

extension Rectangle {
  /// The smallest rectangle that holds all of some; empty for none.
  init(around parts: [Rectangle]) {
    self = parts.dropFirst().reduce(parts.first ?? Rectangle(rows: 0..<0, columns: 0..<0)) {
      $0.union($1)
    }
  }
}
