internal import PrismKernels
public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// A two-dimensional convolution (cross-correlation, as every framework defines it), in groups.
///
/// Inputs: the image `[N, H, W, I]`, the weight `[O, I / groups, kH, kW]` and, optionally, the bias `[O]`.
/// Output: `[N, H′, W′, O]`. Same definition as `torch.nn.functional.conv2d`.
public struct Convolution: Primitive {
  /// The sliding window.
  public let window: Window
  /// The number of groups into which input and output channels are divided.
  public let groups: Int

  /// Makes a convolution.
  public init(window: Window, groups: Int = 1) {
    self.window = window
    self.groups = groups
  }

  public var name: String { "convolution" }

  public var reach: Reach { window.isPointwise ? .pointwise : .window(window) }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(2...3, inputs)
    try expect(rank: 4, ofInput: 0, inputs)
    try expect(rank: 4, ofInput: 1, inputs)
    let weight = inputs[1]
    guard groups > 0, weight[0] % groups == 0, inputs[0][3] % groups == 0,
      weight[1] == inputs[0][3] / groups
    else {
      throw ShapeError(name, inputs, "the channels do not fit \(groups) groups")
    }
    guard weight[2] == window.vertical.kernel, weight[3] == window.horizontal.kernel else {
      throw ShapeError(name, inputs, "the weight's kernel is not the window's")
    }
    if inputs.count == 3, inputs[2] != [weight[0]] {
      throw ShapeError(name, inputs, "the bias needs one number an output channel")
    }
    guard let shape = window.outputShape(inputs[0], channels: weight[0]) else {
      throw ShapeError(name, inputs, "the image is smaller than the kernel")
    }
    return shape
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int {
    output.count * 2 * inputs[1][1] * window.taps
  }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let (x, weight) = (inputs[0], inputs[1])
    let geometry = Geometry(self, x.shape, weight.shape)
    let packed = geometry.rowsOfTaps(weight)
    return Tensor(uninitialized: geometry.output) { y in
      geometry.withRows { rows in
        for n in 0..<x.shape[0] {
          for g in 0..<groups {
            let columns = geometry.unfold(x, image: n, group: g, into: rows)
            packed.withUnsafePointer { w in
              plainMatrixProduct(
                m: geometry.positions, n: geometry.outputs, k: geometry.taps,
                a: columns.pointer, leadingA: columns.stride,
                b: w + g * geometry.outputs * geometry.taps, leadingB: geometry.taps,
                transposeB: true, c: y + geometry.offset(image: n, group: g),
                leadingC: weight.shape[0])
            }
          }
        }
      }
      if inputs.count == 3 {
        addRow(inputs[2], to: y, rows: x.shape[0] * geometry.positions)
      }
    }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let (x, weight) = (inputs[0], inputs[1])
    let geometry = Geometry(self, x.shape, weight.shape)
    let packed = geometry.rowsOfTaps(weight)
    var dx = wanted[0] ? Tensor(x.shape) : nil
    var dw = wanted[1] ? Tensor(packed.shape) : nil
    geometry.withRows { rows in
      cotangent.withUnsafePointer { dy in
        for n in 0..<x.shape[0] {
          for g in 0..<groups {
            let dySlice = dy + geometry.offset(image: n, group: g)
            // dW[o, t] = Σ positions dY[p, o] · rows[p, t]
            dw?.withUnsafeMutablePointer { dw in
              let columns = geometry.unfold(x, image: n, group: g, into: rows)
              plainMatrixProduct(
                m: geometry.outputs, n: geometry.taps, k: geometry.positions,
                a: dySlice, leadingA: weight.shape[0], transposeA: true,
                b: columns.pointer, leadingB: columns.stride, beta: 1,
                c: dw + g * geometry.outputs * geometry.taps, leadingC: geometry.taps)
            }
            // rows'[p, t] = Σ outputs dY[p, o] · W[o, t], added back to the pixels they were read from.
            dx?.withUnsafeMutablePointer { dx in
              packed.withUnsafePointer { w in
                plainMatrixProduct(
                  m: geometry.positions, n: geometry.taps, k: geometry.outputs,
                  a: dySlice, leadingA: weight.shape[0],
                  b: w + g * geometry.outputs * geometry.taps, leadingB: geometry.taps,
                  c: rows, leadingC: geometry.taps)
              }
              plainFold(
                geometry.window, rows: rows, channels: geometry.inputs,
                image: dx + n * geometry.imageCount + g * geometry.inputs,
                pixelStride: x.shape[3])
            }
          }
        }
      }
    }
    let db = wanted.count == 3 && wanted[2] ? sumOfRows(cotangent, channels: weight.shape[0]) : nil
    return [dx, dw.map(geometry.tapsLast), db].prefix(inputs.count).map { $0 }
  }

  /// The sizes of one group of one image.
  private struct Geometry {
    let window: PlainWindow
    let output: Shape
    let weight: Shape
    let inputs, outputs, taps, positions, imageCount: Int
    let isPointwise: Bool

    init(_ convolution: Convolution, _ x: Shape, _ weight: Shape) {
      let outputs = convolution.window.outputShape(x, channels: weight[0]) ?? []
      output = outputs
      self.weight = weight
      window = PlainWindow(convolution.window, input: x, output: outputs)
      inputs = weight[1]
      self.outputs = weight[0] / convolution.groups
      taps = weight[1] * weight[2] * weight[3]
      positions = outputs[1] * outputs[2]
      imageCount = x[1] * x[2] * x[3]
      isPointwise = convolution.window.isPointwise
    }

    /// `[O, I, kH, kW]` to `[O, kH, kW, I]`, the order in which unfolding lays a window out.
    func rowsOfTaps(_ tensor: Tensor) -> Tensor {
      let window = weight[2] * weight[3]
      guard window > 1 else { return tensor }
      return tensor.transposingLastAxes(outer: weight[0], rows: weight[1], columns: window)
    }

    /// The inverse of ``rowsOfTaps(_:)``.
    func tapsLast(_ tensor: Tensor) -> Tensor {
      let window = weight[2] * weight[3]
      guard window > 1 else { return tensor.reshaped(to: weight) }
      return tensor.transposingLastAxes(outer: weight[0], rows: window, columns: weight[1])
        .reshaped(to: weight)
    }

    func withRows(_ body: (UnsafeMutablePointer<Float>) -> Void) {
      let rows = UnsafeMutablePointer<Float>.allocate(capacity: positions * taps)
      defer { rows.deallocate() }
      body(rows)
    }

    /// The windows of one group of one image as the rows of a matrix; a pointwise window needs no copy.
    func unfold(
      _ x: Tensor, image: Int, group: Int, into rows: UnsafeMutablePointer<Float>
    ) -> (pointer: UnsafePointer<Float>, stride: Int) {
      x.withUnsafePointer { x in
        let source = x + image * imageCount + group * inputs
        let pixelStride = imageCount / (window.height * window.width)
        if isPointwise { return (source, pixelStride) }
        plainUnfold(window, image: source, pixelStride: pixelStride, channels: inputs, rows: rows)
        return (UnsafePointer(rows), taps)
      }
    }

    /// Where the output of one group of one image begins.
    func offset(image: Int, group: Int) -> Int {
      image * positions * weight[0] + group * outputs
    }
  }
}

extension Value {
  /// Records a convolution with this value as the image.
  ///
  /// - Parameters:
  ///   - weight: `[O, I / groups, kH, kW]`.
  ///   - bias: `[O]`, or `nil` for none.
  ///   - stride: The distance between windows, along both axes.
  ///   - padding: What surrounds the image.
  ///   - dilation: The distance between taps, along both axes.
  ///   - groups: The number of groups into which input and output channels are divided.
  /// - Returns: `[N, H′, W′, O]`.
  public func convolution(
    _ weight: Value, bias: Value? = nil, stride: Int = 1, padding: Padding = .none,
    dilation: Int = 1, groups: Int = 1
  ) -> Value {
    guard shape.rank == 4, weight.shape.rank == 4 else {
      return failing(ShapeError("convolution", [shape, weight.shape], "both must have rank 4"))
    }
    let window = padding.window(
      kernel: (weight.shape[2], weight.shape[3]), stride: (stride, stride),
      dilation: (dilation, dilation), height: shape[1], width: shape[2])
    return applying(
      Convolution(window: window, groups: groups), [weight] + (bias.map { [$0] } ?? []))
  }
}
