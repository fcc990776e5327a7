/// The cotangent of a clamp, and its sum over rows.
///
/// Sums are formed in `Float` over at most 64 rows and then in Double.
///
/// - Parameters:
///   - rows: The rows of all matrices.
///   - channels: Their columns.
///   - low: Where the clamp begins; its derivative is 1 strictly between its ends.
///   - high: Where the clamp ends.
///   - cotangent: That of the clamp's output, `[rows, channels]`.
///   - output: The clamp's output, `[rows, channels]`.
///   - target: Receives the cotangent of the clamp's input; it may be `cotangent`.
///   - sums: Receives the sums of `target` over the rows, `[channels]`, or `nil` where they are not
///     wanted.
public func plainClampPullback(
  rows: Int, channels: Int, low: Float, high: Float, cotangent: UnsafePointer<Float>,
  output: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>,
  sums: UnsafeMutablePointer<Double>?
) {
  let (lower, upper) = (PlainPanel(repeating: low), PlainPanel(repeating: high))
  let zero = PlainPanel(repeating: 0)
  let partial = UnsafeMutablePointer<Float>.allocate(capacity: channels)
  defer { partial.deallocate() }
  partial.update(repeating: 0, count: channels)
  sums?.update(repeating: 0, count: channels)
  for row in 0..<rows {
    let (dy, y) = (cotangent + row &* channels, output + row &* channels)
    let dx = target + row &* channels
    forEachPanel(channels) { c in
      let value = loadPanel(y + c)
      let passes = (value .> lower) .& (value .< upper)
      let result = zero.replacing(with: loadPanel(dy + c), where: passes)
      storePanel(result, dx + c)
      storePanel(loadPanel(partial + c) + result, partial + c)
    } rest: { c in
      dx[c] = y[c] > low && y[c] < high ? dy[c] : 0
      partial[c] += dx[c]
    }
    guard let sums, row & 63 == 63 || row == rows - 1 else { continue }
    for c in 0..<channels {
      sums[c] += Double(partial[c])
      partial[c] = 0
    }
  }
}
