public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The axes of a tensor in another order: axis `i` of the output is axis `axes[i]` of the input.
public struct Transpose: Primitive {
  /// For every axis of the output, that of the input.
  public let axes: [Int]

  /// Makes the operation.
  public init(axes: [Int]) {
    self.axes = axes
  }

  public var name: String { "transpose" }

  public var nature: Nature { .rearrangement }

  public var reach: Reach { .everywhere }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(1...1, inputs)
    guard axes.sorted() == Array(0..<inputs[0].rank) else {
      throw ShapeError(name, inputs, "\(axes) is no order of its axes")
    }
    return Shape(axes.map { inputs[0][$0] })
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { 0 }

  public func forward(_ inputs: [Tensor]) -> Tensor { Self.transposed(inputs[0], axes) }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    var inverse = axes
    for (i, axis) in axes.enumerated() { inverse[axis] = i }
    return [Self.transposed(cotangent, inverse)]
  }

  private static func transposed(_ tensor: Tensor, _ axes: [Int]) -> Tensor {
    let input = tensor.shape
    var strides = [Int](repeating: 1, count: input.rank)
    for axis in strides.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * input[axis + 1]
    }
    let output = Shape(axes.map { input[$0] })
    let steps = axes.map { strides[$0] }
    guard let length = output.dimensions.last, let step = steps.last else { return tensor }
    return tensor.withUnsafePointer { x in
      Tensor(uninitialized: output) { y in
        var index = [Int](repeating: 0, count: output.rank)
        var offset = 0
        for row in stride(from: 0, to: output.count, by: length) {
          for i in 0..<length { y[row + i] = x[offset + i * step] }
          for axis in index.indices.dropLast().reversed() {
            index[axis] += 1
            offset += steps[axis]
            if index[axis] < output[axis] { break }
            offset -= steps[axis] * output[axis]
            index[axis] = 0
          }
        }
      }
    }
  }
}

extension Value {
  /// Records the axes of this value in another order.
  public func transposed(_ axes: [Int]) -> Value { applying(Transpose(axes: axes)) }
}
