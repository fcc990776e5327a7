package import PrismAutodiff
import PrismTensor

/// Applies a function to the pixels of every window, with the number of taps on padding.
package func naivePool(
  _ window: SlidingWindow, _ x: Grid, _ function: (_ pixels: [Double], _ padding: Int) -> Double
) -> Grid {
  let (v, h) = (window.vertical, window.horizontal)
  let height = (x.shape[1] + v.before + v.after - v.dilation * (v.kernel - 1) - 1) / v.stride + 1
  let width = (x.shape[2] + h.before + h.after - h.dilation * (h.kernel - 1) - 1) / h.stride + 1
  var y = Grid([x.shape[0], height, width, x.shape[3]])
  for n in 0..<x.shape[0] {
    for oy in 0..<height {
      for ox in 0..<width {
        for c in 0..<x.shape[3] {
          var (pixels, padding) = ([Double](), 0)
          for ky in 0..<v.kernel {
            for kx in 0..<h.kernel {
              let iy = oy * v.stride + ky * v.dilation - v.before
              let ix = ox * h.stride + kx * h.dilation - h.before
              if (0..<x.shape[1]).contains(iy) && (0..<x.shape[2]).contains(ix) {
                pixels.append(x[n, iy, ix, c])
              } else {
                padding += 1
              }
            }
          }
          y[n, oy, ox, c] = function(pixels, padding)
        }
      }
    }
  }
  return y
}

private func adaptive(_ x: Grid, height: Int, width: Int) -> Grid {
  func bounds(_ i: Int, _ bins: Int, _ count: Int) -> (Int, Int) {
    let (first, end) = (Double(i * count) / Double(bins), Double((i + 1) * count) / Double(bins))
    return (Int(first.rounded(.down)), Int(end.rounded(.up)))
  }
  var y = Grid([x.shape[0], height, width, x.shape[3]])
  for n in 0..<x.shape[0] {
    for oy in 0..<height {
      for ox in 0..<width {
        for c in 0..<x.shape[3] {
          let (top, bottom) = bounds(oy, height, x.shape[1])
          let (left, right) = bounds(ox, width, x.shape[2])
          var sum = 0.0
          for iy in top..<bottom {
            for ix in left..<right { sum += x[n, iy, ix, c] }
          }
          y[n, oy, ox, c] = sum / Double((bottom - top) * (right - left))
        }
      }
    }
  }
  return y
}

private func windowed(
  _ label: String, _ image: Shape, kernel: (Int, Int), stride: (Int, Int),
  padding: Padding = .none, dilation: (Int, Int) = (1, 1)
) -> [OperationCase] {
  let window = padding.window(
    kernel: kernel, stride: stride, dilation: dilation, height: image[1], width: image[2])
  return [
    OperationCase(label, MaxPool(window: window), inputs: [image], fillings: [.distinct]) {
      naivePool(window, $0[0]) { pixels, _ in pixels.reduce(-.infinity, max) }
    },
    OperationCase(
      label + ", padding counts", AveragePool(window: window, countsPadding: true), inputs: [image],
      reduction: window.taps
    ) {
      naivePool(window, $0[0]) { pixels, padding in
        pixels.reduce(0, +) / Double(pixels.count + padding)
      }
    },
    OperationCase(
      label + ", padding left out", AveragePool(window: window, countsPadding: false),
      inputs: [image], reduction: window.taps
    ) {
      naivePool(window, $0[0]) { pixels, _ in pixels.reduce(0, +) / Double(pixels.count) }
    },
  ]
}

extension OperationCase {
  /// Torch's `avg_pool2d(kernel_size=3, stride=2, padding=1, ceil_mode=True)`: windows end beyond
  /// the padding, and what is beyond does not count.
  private static let ceilMode: [OperationCase] = {
    let axis = SlidingWindow.Axis(kernel: 3, stride: 2, before: 1, after: 2)
    let window = SlidingWindow(vertical: axis, horizontal: axis)
    let pool = AveragePool(
      window: window, countsPadding: true, uncounted: .init(bottom: 1, right: 1))
    return [
      OperationCase("3×3 of torch's ceil mode", pool, inputs: [[1, 6, 6, 2]], reduction: 9) {
        let padded = SlidingWindow(
          vertical: .init(kernel: 1, before: 1, after: 1),
          horizontal: .init(kernel: 1, before: 1, after: 1))
        // Of the padded image windows are cut off at its end.
        let image = naivePool(padded, $0[0]) { pixels, _ in pixels.first ?? 0 }
        let cut = SlidingWindow.Axis(kernel: 3, stride: 2, after: 1)
        return naivePool(SlidingWindow(vertical: cut, horizontal: cut), image) { pixels, _ in
          pixels.reduce(0, +) / Double(pixels.count)
        }
      }
    ]
  }()

  /// Pools over windows, over bins and over everything.
  public static let pool: [OperationCase] =
    windowed("2×2", [2, 4, 6, 3], kernel: (2, 2), stride: (2, 2))
    + windowed("2×2 leaving a row out", [1, 5, 4, 2], kernel: (2, 2), stride: (2, 2))
    + windowed(
      "3×3 stride 2", [1, 7, 8, 3], kernel: (3, 3), stride: (2, 2), padding: .symmetric(1))
    + windowed("3×3 overlapping", [1, 4, 5, 2], kernel: (3, 3), stride: (1, 1), padding: .same)
    + windowed(
      "3×2 oblong", [2, 5, 6, 1], kernel: (3, 2), stride: (2, 3),
      padding: .explicit(top: 2, left: 0, bottom: 1, right: 1))
    + windowed(
      "2×2 dilated", [1, 5, 5, 2], kernel: (2, 2), stride: (1, 1), padding: .symmetric(1),
      dilation: (2, 2))
    + windowed(
      "3×3 of many channels", [1, 4, 3, 35], kernel: (3, 3), stride: (1, 1), padding: .symmetric(1))
    + windowed("1×1", [1, 1, 1, 1], kernel: (1, 1), stride: (1, 1))
    + ceilMode
    + [(3, 2), (1, 1), (5, 4), (7, 5)].map { (height, width) in
      OperationCase(
        "to \(height)×\(width)", AdaptiveAveragePool(height: height, width: width),
        inputs: [[2, 5, 4, 3]], reduction: 20
      ) { adaptive($0[0], height: height, width: width) }
    }
    + [[2, 3, 4, 5], [1, 1, 1, 1]].flatMap { (image: Shape) in
      let pixels = image[1] * image[2]
      @Sendable func everything(_ x: Grid, _ function: ([Double]) -> Double) -> Grid {
        let window = SlidingWindow(
          vertical: SlidingWindow.Axis(kernel: image[1]),
          horizontal: SlidingWindow.Axis(kernel: image[2]))
        let pooled = naivePool(window, x) { pixels, _ in function(pixels) }
        return Grid([image[0], image[3]], pooled.values)
      }
      return [
        OperationCase("", GlobalAveragePool(), inputs: [image], reduction: pixels) {
          everything($0[0]) { $0.reduce(0, +) / Double(pixels) }
        },
        OperationCase("", GlobalMaxPool(), inputs: [image], fillings: [.distinct]) {
          everything($0[0]) { $0.reduce(-.infinity, max) }
        },
      ]
    }
}
