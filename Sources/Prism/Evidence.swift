internal import PrismTensor

/// The strongest places of a map, and the connected parts that they form.
struct Evidence {
  struct Part {
    var rows: Range<Int>
    var columns: Range<Int>
    var share: Double
  }

  /// The share of the positive attribution that counts as the evidence.
  static let share = 0.5
  /// The most parts that are told.
  private static let limit = 5

  let height, width: Int
  let mask: Tensor
  /// The largest share first.
  let parts: [Part]

  /// The parts that are told of.
  var strongest: ArraySlice<Part> { parts.prefix(Self.limit) }

  /// - Parameter map: Raw attributions, `[H, W]`.
  init(of map: Tensor) {
    (height, width) = (map.shape[0], map.shape[1])
    let values = Self.smoothed(map.scalars.map { max(Double($0), 0) }, height, width)
    let total = values.reduce(0, +)
    let threshold = Self.weakest(of: values, holding: Self.share * total)
    let isInside = values.map { $0 >= threshold && $0 > 0 }
    mask = Tensor([height, width], isInside.map { $0 ? 1 : 0 })
    parts = Self.parts(of: isInside, values: values, total: total, height, width)
  }

  /// The weakest of the fewest values that together hold a sum, `infinity` where none is positive.
  ///
  /// Only the values near it are sorted: sorting all would take longer than many a map.
  private static func weakest(of values: [Double], holding wanted: Double) -> Double {
    let greatest = values.max() ?? 0
    guard greatest > 0 else { return .infinity }
    let count = 1024
    func bin(_ value: Double) -> Int { min(Int(value / greatest * Double(count)), count - 1) }
    var sums = [Double](repeating: 0, count: count)
    for value in values where value > 0 { sums[bin(value)] += value }
    var sum = 0.0
    var place = count - 1
    while place > 0, sum + sums[place] < wanted {
      sum += sums[place]
      place -= 1
    }
    var threshold = Double.infinity
    for value in values.filter({ $0 > 0 && bin($0) == place }).sorted(by: >) {
      if sum >= wanted { break }
      sum += value
      threshold = value
    }
    guard threshold == .infinity else { return threshold }
    return values.filter { $0 > 0 && bin($0) > place }.min() ?? .infinity
  }

  /// The mean over squares of about a 32nd of the sides, so that single pixels do not become
  /// regions.
  private static func smoothed(_ values: [Double], _ height: Int, _ width: Int) -> [Double] {
    let rows = means(values, along: (width, 1), across: (height, width))
    return means(rows, along: (height, width), across: (width, 1))
  }

  /// The mean over neighbours along one axis.
  ///
  /// Neighbours are added in their order for all places at once, each addition over places that lie
  /// beside each other in memory.
  private static func means(
    _ values: [Double], along axis: (count: Int, stride: Int),
    across other: (count: Int, stride: Int)
  ) -> [Double] {
    let reach = axis.count / 64
    guard reach > 0 else { return values }
    var result = [Double](repeating: 0, count: values.count)
    let source = values.span
    var target = result.mutableSpan
    for shift in -reach...reach {
      let places = max(0, -shift)..<min(axis.count, axis.count - shift)
      let step = shift * axis.stride
      // Along rows each line by itself; along columns all lines of all places at once.
      let (lines, first, end) =
        axis.stride == 1
        ? (other.count, places.lowerBound, places.upperBound)
        : (1, places.lowerBound * axis.stride, places.upperBound * axis.stride)
      for line in 0..<lines {
        let start = line * other.stride
        for place in start + first..<start + end { target[place] += source[place + step] }
      }
    }
    for i in 0..<axis.count {
      let count = Double(min(axis.count - 1, i + reach) - max(0, i - reach) + 1)
      for line in 0..<other.count { target[i * axis.stride + line * other.stride] /= count }
    }
    return result
  }

  /// Connected parts of at least a fiftieth of the evidence, the largest share first.
  private static func parts(
    of isInside: [Bool], values: [Double], total: Double, _ height: Int, _ width: Int
  ) -> [Part] {
    var rest = isInside
    var parts: [Part] = []
    for start in isInside.indices where rest[start] {
      rest[start] = false
      var open = [start]
      var rows = (start / width)..<(start / width + 1)
      var columns = (start % width)..<(start % width + 1)
      var sum = 0.0
      while let place = open.popLast() {
        let (row, column) = (place / width, place % width)
        rows = min(rows.lowerBound, row)..<max(rows.upperBound, row + 1)
        columns = min(columns.lowerBound, column)..<max(columns.upperBound, column + 1)
        sum += values[place]
        func visit(_ neighbour: Int) {
          guard rest[neighbour] else { return }
          rest[neighbour] = false
          open.append(neighbour)
        }
        if row > 0 { visit(place - width) }
        if row + 1 < height { visit(place + width) }
        if column > 0 { visit(place - 1) }
        if column + 1 < width { visit(place + 1) }
      }
      parts.append(Part(rows: rows, columns: columns, share: sum / total))
    }
    return parts.filter { $0.share >= 0.02 }.sorted { $0.share > $1.share }
  }
}
