internal import PrismKernels
public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// A two-dimensional convolution (cross-correlation, as every framework defines it), in groups.
///
/// Inputs: the image `[N, H, W, I]`, the weight `[O, I / groups, kH, kW]` and, optionally, the bias
/// `[O]`. Output: `[N, H′, W′, O]`. Same definition as `torch.nn.functional.conv2d`.
public struct Convolution: ConvolutionPrimitive {
  /// The sliding window.
  public let window: SlidingWindow
  /// The number of groups into which input and output channels are divided.
  public let groups: Int

  /// Makes a convolution.
  public init(window: SlidingWindow, groups: Int = 1) {
    self.window = window
    self.groups = groups
  }

  public var name: String { "convolution" }

  public func misfit(of weight: Shape, on image: Shape) -> String? {
    groups > 0 && weight[0] % groups == 0 && image[3] % groups == 0
      && weight[1] == image[3] / groups ? nil : "the channels do not fit \(groups) groups"
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int {
    output.count * 2 * inputs[1][1] * window.taps
  }

  // The windows as rows, the weight in another order, and its cotangent in both.
  public func scratchSize(_ inputs: [Shape], output: Shape) -> Int {
    let taps = inputs[1].count / max(inputs[1][0], 1)
    return output[1] * output[2] * taps + 3 * inputs[1].count
  }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let (x, weight) = (inputs[0], inputs[1])
    let geometry = Geometry(self, x.shape, weight.shape)
    let packed = geometry.rowsOfTaps(weight)
    return Tensor(uninitialized: geometry.output) { y in
      geometry.withRows { rows in
        x.withUnsafePointer { image in
          packed.withUnsafePointer { w in
            for n in 0..<x.shape[0] {
              for g in 0..<groups {
                let columns = geometry.unfold(image, image: n, group: g, into: rows)
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
            dw?.withUnsafeMutablePointer { dw in
              x.withUnsafePointer { x in
                geometry.addWeightCotangent(
                  dySlice, geometry.unfold(x, image: n, group: g, into: rows),
                  to: dw + g * geometry.outputs * geometry.taps)
              }
            }
            dx?.withUnsafeMutablePointer { dx in
              packed.withUnsafePointer { w in
                geometry.addImageCotangent(
                  dySlice, weight: w + g * geometry.outputs * geometry.taps, rows: rows,
                  to: dx + n * geometry.imageCount + g * geometry.inputs)
              }
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

    /// The rows of a matrix, and the distance between them.
    typealias Columns = (pointer: UnsafePointer<Float>, stride: Int)

    /// The windows of one group of one of the images as the rows of a matrix; a pointwise window
    /// needs no copy.
    func unfold(
      _ x: UnsafePointer<Float>, image: Int, group: Int, into rows: UnsafeMutablePointer<Float>
    ) -> Columns {
      let source = x + image * imageCount + group * inputs
      if isPointwise { return (source, pixelStride) }
      plainUnfold(window, image: source, pixelStride: pixelStride, channels: inputs, rows: rows)
      return (UnsafePointer(rows), taps)
    }

    /// The floats between the pixels of an image.
    private var pixelStride: Int { imageCount / window.pixels }

    /// dW[o, t] += Σ positions dY[p, o] · rows[p, t].
    func addWeightCotangent(
      _ dy: UnsafePointer<Float>, _ columns: Columns, to dw: UnsafeMutablePointer<Float>
    ) {
      plainMatrixProduct(
        m: outputs, n: taps, k: positions, a: dy, leadingA: weight[0], transposeA: true,
        b: columns.pointer, leadingB: columns.stride, beta: 1, c: dw, leadingC: taps)
    }

    /// rows[p, t] = Σ outputs dY[p, o] · W[o, t], added back to the pixels they were read from.
    func addImageCotangent(
      _ dy: UnsafePointer<Float>, weight w: UnsafePointer<Float>,
      rows: UnsafeMutablePointer<Float>, to dx: UnsafeMutablePointer<Float>
    ) {
      plainMatrixProduct(
        m: positions, n: taps, k: outputs, a: dy, leadingA: weight[0], b: w, leadingB: taps,
        c: rows, leadingC: taps)
      plainFold(window, rows: rows, channels: inputs, image: dx, pixelStride: pixelStride)
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
    convolving(
      "convolution", weight, bias: bias, stride: stride, padding: padding, dilation: dilation
    ) { Convolution(window: $0, groups: groups) }
  }
}
