/// Distances from the border of a hole, found in ascending order: the fast marching method on a
/// grid of pixels.
///
/// The grid has a frame of one pixel around the image, which is known and far away. Pixels of one
/// distance go in the order in which they were found. Definition: Sethian, "A fast marching level
/// set method for monotonically advancing fronts", PNAS 1996.
struct FastMarching {
  /// What is known of a pixel.
  enum State {
    case known, band, hole
  }

  /// The rows and columns of the image.
  let height, width: Int
  /// The pixels of a row of the grid, with the frame.
  let stride: Int
  /// What is known, grid row by grid row.
  private(set) var states: [State]
  /// The distance from the border: positive in the hole, negative outside.
  private(set) var distances: [Float]
  private var queue = Queue()

  /// The distance of what no front has met.
  private static let far: Float = 1e6

  /// Makes the grid and finds the distances outside of the hole, as far as a radius reaches.
  ///
  /// - Parameters:
  ///   - isHole: One flag a pixel of the image, row by row.
  ///   - height: The rows.
  ///   - width: The columns.
  ///   - radius: How far the distances are wanted, in rows and columns.
  init(hole isHole: [Bool], height: Int, width: Int, radius: Int) {
    (self.height, self.width, stride) = (height, width, width + 2)
    let count = (height + 2) * (width + 2)
    states = [State](repeating: .known, count: count)
    distances = [Float](repeating: Self.far, count: count)
    for p in isHole.indices where isHole[p] {
      states[(p / width + 1) * stride + p % width + 1] = .hole
    }
    let holes = states.indices.filter { states[$0] == .hole }
    var near = [Bool](repeating: false, count: count)
    for hole in holes {
      let (y, x) = (hole / stride, hole % stride)
      for other in max(y - radius, 1)...min(y + radius, height) {
        for column in max(x - radius, 1)...min(x + radius, width) {
          near[other * stride + column] = true
        }
      }
      for other in neighbours(hole) where isInside(other) && states[other] == .known {
        states[other] = .band
        distances[other] = 0
      }
    }
    let band = states.indices.filter { states[$0] == .band }
    measureOutside(near, from: band)
    queue = Queue()
    for place in band { queue.push(place, 0) }
  }

  /// Marches outwards from the band over what is near.
  private mutating func measureOutside(_ near: [Bool], from band: [Int]) {
    let inside = states
    states = states.indices.map { near[$0] && inside[$0] == .known ? .hole : .known }
    for place in band { queue.push(place, 0) }
    var reached: [Int] = []
    while let place = queue.pop() {
      reached.append(place)
      advance(from: place) { _, _ in }
    }
    for place in reached { distances[place] = -distances[place] }
    states = inside
  }

  /// Marches into the hole.
  ///
  /// - Parameter visit: Is given every pixel of the hole when its distance is known, the nearest
  ///   first, while it still counts as a part of the hole.
  mutating func fill(_ visit: (FastMarching, Int) -> Void) {
    while let place = queue.pop() { advance(from: place, visit) }
  }

  private mutating func advance(from place: Int, _ visit: (FastMarching, Int) -> Void) {
    states[place] = .known
    for next in neighbours(place) where isInside(next) && states[next] == .hole {
      distances[next] = distance(at: next)
      visit(self, next)
      states[next] = .band
      queue.push(next, distances[next])
    }
  }

  /// The four neighbours: above, to the left, below, to the right.
  private func neighbours(_ p: Int) -> [Int] { [p - stride, p - 1, p + stride, p + 1] }

  /// Whether a place is a pixel of the image, not of the frame.
  func isInside(_ place: Int) -> Bool {
    let (y, x) = (place / stride, place % stride)
    return y >= 1 && y <= height && x >= 1 && x <= width
  }

  private func distance(at p: Int) -> Float {
    let (up, down, left, right) = (p - stride, p + stride, p - 1, p + 1)
    return min(solve(up, left), solve(down, left), solve(up, right), solve(down, right))
  }

  /// The solution of `|∇T| = 1` from a vertical and a horizontal neighbour.
  private func solve(_ a: Int, _ b: Int) -> Float {
    let (x, y) = (distances[a], distances[b])
    switch (states[a] != .hole, states[b] != .hole) {
    case (true, true):
      if abs(x - y) >= 1 { return 1 + min(x, y) }
      let (x, y) = (Double(x), Double(y))
      return Float((x + y + (2 - (x - y) * (x - y)).squareRoot()) * 0.5)
    case (true, false): return 1 + x
    case (false, true): return 1 + y
    case (false, false): return 1 + min(x, y)
    }
  }

  /// Places by their distance, those that came first first among equals: a binary heap.
  private struct Queue {
    private var heap: [(distance: Float, order: Int, place: Int)] = []
    private var orders = 0

    mutating func push(_ place: Int, _ distance: Float) {
      heap.append((distance, orders, place))
      orders += 1
      var child = heap.count - 1
      while child > 0, precedes(child, (child - 1) / 2) {
        heap.swapAt(child, (child - 1) / 2)
        child = (child - 1) / 2
      }
    }

    mutating func pop() -> Int? {
      guard !heap.isEmpty else { return nil }
      heap.swapAt(0, heap.count - 1)
      let first = heap.removeLast()
      var parent = 0
      while true {
        var least = parent
        for child in [2 * parent + 1, 2 * parent + 2]
        where child < heap.count && precedes(child, least) { least = child }
        if least == parent { return first.place }
        heap.swapAt(parent, least)
        parent = least
      }
    }

    private func precedes(_ a: Int, _ b: Int) -> Bool {
      (heap[a].distance, heap[a].order) < (heap[b].distance, heap[b].order)
    }
  }
}
