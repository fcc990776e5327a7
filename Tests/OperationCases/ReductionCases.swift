import PrismAutodiff
import PrismTensor

/// The sum over some axes, by the index of every element along every axis.
private func sum(_ x: Grid, over axes: Set<Int>, keeping: Bool) -> Grid {
  let extents = x.shape.dimensions
  let kept = Shape(extents.indices.map { axes.contains($0) ? 1 : extents[$0] })
  let dropped = Shape(extents.indices.filter { !axes.contains($0) }.map { extents[$0] })
  var y = Grid(keeping ? kept : dropped)
  for i in x.values.indices {
    var (rest, offset, stride) = (i, 0, 1)
    for axis in extents.indices.reversed() {
      let index = rest % extents[axis]
      rest /= extents[axis]
      if !axes.contains(axis) {
        offset += index * stride
        stride *= extents[axis]
      }
    }
    y.values[offset] += x.values[i]
  }
  return y
}

/// The largest elements over some axes, as the sum of them over what is smaller than none.
private func largest(_ x: Grid, over axes: Set<Int>, keeping: Bool) -> Grid {
  var y = sum(x.map { _ in 0 }, over: axes, keeping: keeping)
  for i in y.values.indices { y.values[i] = -.infinity }
  // Each element alone tells by its sum where it belongs.
  for i in x.values.indices {
    var one = Grid(x.shape)
    one.values[i] = 1
    let place = sum(one, over: axes, keeping: keeping).values.firstIndex(of: 1) ?? 0
    y.values[place] = max(y.values[place], x.values[i])
  }
  return y
}

extension OperationCase {
  /// Sums, means and largest elements over axes.
  public static let reduction: [OperationCase] = [
    ([2, 3, 4, 5], [0, 1, 2, 3]), ([2, 3, 4, 5], [1, 2]), ([2, 3, 4, 5], [3]),
    ([2, 3, 4, 5], [0, 2]), ([2, 3], []), ([], []), ([1, 1], [1]),
  ].flatMap { (shape: Shape, axes: [Int]) in
    [false, true].flatMap { keeping in
      let label = "over \(axes)" + (keeping ? ", keeping them" : "")
      // Negative axes mean the same ones.
      let negative = axes.map { $0 - shape.rank }
      let count = axes.reduce(1) { $0 * shape[$1] }
      return [
        OperationCase(
          label, Sum(axes: axes, keepsDimensions: keeping), inputs: [shape], reduction: count
        ) { sum($0[0], over: Set(axes), keeping: keeping) },
        OperationCase(
          label, Mean(axes: negative, keepsDimensions: keeping), inputs: [shape], reduction: count
        ) { sum($0[0], over: Set(axes), keeping: keeping).map { $0 / Double(count) } },
        OperationCase(
          label, ReduceMax(axes: negative, keepsDimensions: keeping), inputs: [shape],
          fillings: [.distinct]
        ) { largest($0[0], over: Set(axes), keeping: keeping) },
      ]
    }
  }
}
