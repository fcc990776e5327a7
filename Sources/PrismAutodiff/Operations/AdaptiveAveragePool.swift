public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The means over a stated number of bins that cover the image: `[N, H, W, C]` to
/// `[N, height, width, C]`.
///
/// Bin `i` of `n` over `H` rows holds the rows from ⌊i · H / n⌋ to ⌈(i + 1) · H / n⌉, as in torch;
/// bins may overlap, and there may be more of them than rows.
public struct AdaptiveAveragePool: Primitive {
  /// The rows of the output.
  public let height: Int
  /// The columns of the output.
  public let width: Int

  /// Makes the operation.
  public init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  public var name: String { "adaptiveAveragePool" }

  public var nature: Nature { .linear }

  public var reach: Reach { .everywhere }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(1...1, inputs)
    try expect(rank: 4, ofInput: 0, inputs)
    let shape: Shape = [inputs[0][0], height, width, inputs[0][3]]
    guard shape.isValid else {
      throw ShapeError(name, inputs, "the output needs at least one row and one column")
    }
    return shape
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { inputs[0].count }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let shape = inputs[0].shape
    let channels = shape[3]
    return Tensor(uninitialized: [shape[0], height, width, channels]) { y in
      inputs[0].withUnsafePointer { x in
        forEachBin(shape) { bin, rows, columns, n in
          var sums = [Double](repeating: 0, count: channels)
          for row in rows {
            for column in columns {
              let x = x + ((n * shape[1] + row) * shape[2] + column) * channels
              for c in 0..<channels { sums[c] += Double(x[c]) }
            }
          }
          let count = Double(rows.count * columns.count)
          for c in 0..<channels { y[bin * channels + c] = Float(sums[c] / count) }
        }
      }
    }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let shape = inputs[0].shape
    let channels = shape[3]
    var dx = Tensor(shape)
    dx.withUnsafeMutablePointer { dx in
      cotangent.withUnsafePointer { dy in
        forEachBin(shape) { bin, rows, columns, n in
          let share = 1 / Float(rows.count * columns.count)
          let dy = dy + bin * channels
          for row in rows {
            for column in columns {
              let dx = dx + ((n * shape[1] + row) * shape[2] + column) * channels
              for c in 0..<channels { dx[c] += dy[c] * share }
            }
          }
        }
      }
    }
    return [dx]
  }

  private func forEachBin(
    _ shape: Shape,
    _ body: (_ bin: Int, _ rows: Range<Int>, _ columns: Range<Int>, _ n: Int) -> Void
  ) {
    func bin(_ i: Int, _ bins: Int, _ count: Int) -> Range<Int> {
      i * count / bins..<((i + 1) * count + bins - 1) / bins
    }
    for n in 0..<shape[0] {
      for y in 0..<height {
        for x in 0..<width {
          body(
            (n * height + y) * width + x, bin(y, height, shape[1]), bin(x, width, shape[2]), n)
        }
      }
    }
  }
}

extension Value {
  /// Records the means over `height · width` bins that cover the image, by torch's rule.
  public func adaptiveAveragePool(height: Int, width: Int) -> Value {
    applying(AdaptiveAveragePool(height: height, width: width))
  }
}
