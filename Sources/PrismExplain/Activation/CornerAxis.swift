/// Along one axis of a bilinear resize that puts the corners on the corners: neighbours and the
/// share of the second.
struct CornerAxis: Sendable {
  private(set) var first: [Int] = []
  private(set) var second: [Int] = []
  private(set) var weight: [Float] = []

  init(from count: Int, to newCount: Int) {
    let scale = newCount > 1 ? Double(count - 1) / Double(newCount - 1) : 0
    for i in 0..<newCount {
      let position = Double(i) * scale
      let index = min(Int(position), count - 1)
      first.append(index)
      second.append(min(index + 1, count - 1))
      weight.append(Float(position - Double(index)))
    }
  }
}
