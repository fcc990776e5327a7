package import PrismAutodiff
import PrismTensor

/// The convolution of the definition: seven nested loops.
package func naiveConvolution(_ window: SlidingWindow, groups: Int, _ inputs: [Grid]) -> Grid {
  let (x, w) = (inputs[0], inputs[1])
  let (v, h) = (window.vertical, window.horizontal)
  let height = (x.shape[1] + v.before + v.after - v.dilation * (v.kernel - 1) - 1) / v.stride + 1
  let width = (x.shape[2] + h.before + h.after - h.dilation * (h.kernel - 1) - 1) / h.stride + 1
  let (outputs, perGroup) = (w.shape[0], w.shape[1])
  var y = Grid([x.shape[0], height, width, outputs])
  for n in 0..<x.shape[0] {
    for oy in 0..<height {
      for ox in 0..<width {
        for o in 0..<outputs {
          var sum = inputs.count == 3 ? inputs[2][o] : 0
          for ky in 0..<v.kernel {
            for kx in 0..<h.kernel {
              let iy = oy * v.stride + ky * v.dilation - v.before
              let ix = ox * h.stride + kx * h.dilation - h.before
              guard iy >= 0, iy < x.shape[1], ix >= 0, ix < x.shape[2] else { continue }
              let first = o / (outputs / groups) * perGroup
              for i in 0..<perGroup { sum += x[n, iy, ix, first + i] * w[o, i, ky, kx] }
            }
          }
          y[n, oy, ox, o] = sum
        }
      }
    }
  }
  return y
}

private func make(
  _ label: String, image: Shape, outputs: Int, kernel: (Int, Int), stride: (Int, Int) = (1, 1),
  padding: Padding = .none, dilation: (Int, Int) = (1, 1), groups: Int = 1, bias: Bool = true
) -> OperationCase {
  let window = padding.window(
    kernel: kernel, stride: stride, dilation: dilation, height: image[1], width: image[2])
  let weight: Shape = [outputs, image[3] / groups, kernel.0, kernel.1]
  return OperationCase(
    label, Convolution(window: window, groups: groups),
    inputs: [image, weight] + (bias ? [[outputs]] : []),
    reduction: weight.count / outputs
  ) { naiveConvolution(window, groups: groups, $0) }
}

private func makeDepthwise(
  _ label: String, image: Shape, kernel: (Int, Int), stride: (Int, Int) = (1, 1),
  padding: Padding = .none, dilation: (Int, Int) = (1, 1), bias: Bool = true
) -> OperationCase {
  let window = padding.window(
    kernel: kernel, stride: stride, dilation: dilation, height: image[1], width: image[2])
  return OperationCase(
    label, DepthwiseConvolution(window: window),
    inputs: [image, [image[3], 1, kernel.0, kernel.1]] + (bias ? [[image[3]]] : []),
    reduction: window.taps
  ) { naiveConvolution(window, groups: image[3], $0) }
}

extension OperationCase {
  /// Convolutions, dense and grouped.
  public static let convolution: [OperationCase] = [
    make("1×1", image: [2, 3, 4, 5], outputs: 3, kernel: (1, 1)),
    make("1×1 on one pixel", image: [1, 1, 1, 1], outputs: 1, kernel: (1, 1), bias: false),
    make("1×1 stride 2", image: [1, 5, 4, 3], outputs: 2, kernel: (1, 1), stride: (2, 2)),
    make("3×3", image: [2, 5, 6, 3], outputs: 4, kernel: (3, 3), padding: .symmetric(1)),
    make("3×3 unpadded", image: [1, 5, 4, 2], outputs: 3, kernel: (3, 3), bias: false),
    make(
      "3×3 stride 2 same, even", image: [1, 6, 8, 2], outputs: 3, kernel: (3, 3), stride: (2, 2),
      padding: .same),
    make(
      "3×3 stride 2 same, odd", image: [1, 7, 5, 2], outputs: 3, kernel: (3, 3), stride: (2, 2),
      padding: .same),
    make(
      "7×7 stride 2", image: [1, 9, 10, 3], outputs: 2, kernel: (7, 7), stride: (2, 2),
      padding: .symmetric(3), bias: false),
    make(
      "3×2 oblong, strides differ", image: [2, 6, 7, 2], outputs: 2, kernel: (3, 2), stride: (2, 3),
      padding: .explicit(top: 2, left: 0, bottom: 1, right: 3)),
    make(
      "3×3 dilated", image: [1, 7, 8, 2], outputs: 2, kernel: (3, 3), padding: .symmetric(2),
      dilation: (2, 2)),
    make(
      "3×3 in two groups", image: [1, 4, 5, 6], outputs: 4, kernel: (3, 3), padding: .symmetric(1),
      groups: 2),
    make(
      "3×3 with one channel a group", image: [1, 4, 4, 3], outputs: 6, kernel: (3, 3),
      stride: (2, 2), padding: .same, groups: 3),
    make(
      "larger than the image", image: [1, 2, 2, 2], outputs: 2, kernel: (3, 3),
      padding: .symmetric(1)),
  ]

  /// Convolutions with a kernel a channel.
  public static let depthwise: [OperationCase] = [
    makeDepthwise("3×3", image: [2, 5, 6, 3], kernel: (3, 3), padding: .symmetric(1)),
    makeDepthwise("3×3 unpadded", image: [1, 5, 4, 9], kernel: (3, 3), bias: false),
    makeDepthwise(
      "3×3 stride 2 same, even", image: [1, 6, 8, 2], kernel: (3, 3), stride: (2, 2),
      padding: .same),
    makeDepthwise(
      "3×3 stride 2 same, odd", image: [1, 7, 5, 2], kernel: (3, 3), stride: (2, 2), padding: .same),
    makeDepthwise(
      "5×3 oblong, strides differ", image: [2, 6, 7, 2], kernel: (5, 3), stride: (2, 3),
      padding: .explicit(top: 2, left: 0, bottom: 1, right: 3)),
    makeDepthwise(
      "3×3 dilated", image: [1, 7, 8, 2], kernel: (3, 3), padding: .symmetric(2), dilation: (2, 2)),
    // More channels than one panel of the kernels, and some left over.
    makeDepthwise(
      "3×3 of many channels", image: [2, 4, 3, 35], kernel: (3, 3), padding: .symmetric(1)),
    makeDepthwise(
      "3×3 stride 2 of many channels", image: [1, 5, 4, 18], kernel: (3, 3), stride: (2, 2),
      padding: .same),
    makeDepthwise("1×1 on one pixel", image: [1, 1, 1, 1], kernel: (1, 1), bias: false),
  ]
}
