/// Places buffers in one piece of memory: two buffers may share a place if they are never needed at
/// the same time.
struct ArenaLayout {
  /// One buffer: its size in floats and the first and last moment at which it is needed.
  struct Request {
    var size: Int
    var moments: ClosedRange<Int>
  }

  /// Every buffer's place, in floats from the start.
  private(set) var offsets: [Int]
  /// The floats of the whole arena.
  private(set) var size = 0

  /// Places the largest buffers first, each at the lowest free place.
  init(_ requests: [Request]) {
    offsets = [Int](repeating: 0, count: requests.count)
    let sizes = requests.map { Self.aligned($0.size) }
    var placed: [Int] = []
    let order = requests.indices.sorted { (sizes[$1], $0) < (sizes[$0], $1) }
    for i in order {
      let neighbours =
        placed
        .filter { requests[$0].moments.overlaps(requests[i].moments) }
        .map { offsets[$0]..<(offsets[$0] + sizes[$0]) }
        .sorted { $0.lowerBound < $1.lowerBound }
      var offset = 0
      for taken in neighbours {
        if offset + sizes[i] <= taken.lowerBound { break }
        offset = max(offset, taken.upperBound)
      }
      offsets[i] = offset
      size = max(size, offset + sizes[i])
      placed.append(i)
    }
  }

  /// A number of floats rounded up to whole cache lines.
  static func aligned(_ count: Int) -> Int { (count + 15) / 16 * 16 }
}
