internal import PrismKernels
public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The softmax over the last axis, `exp(x) / Σ exp(x)`.
///
/// The largest element is subtracted first, so that no logits, however large, give infinity or NaN.
public struct Softmax: Primitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "softmax" }

  public var reach: Reach { .pointwise }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(1...1, inputs)
    guard inputs[0].rank > 0 else { throw ShapeError(name, inputs, "a scalar has no axis") }
    return inputs[0]
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { 5 * output.count }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let classes = inputs[0].shape[-1]
    return inputs[0].withUnsafeBufferPointer { x in
      Tensor(inputs[0].shape) { y in
        for start in stride(from: 0, to: x.count, by: classes) {
          let row = start..<start + classes
          var largest = -Float.infinity
          for i in row { largest = max(largest, x[i]) }
          for i in row { y[i] = plainExponential(x[i] - largest) }
          var sum = 0.0
          for i in row { sum += Double(y[i]) }
          let factor = Float(1 / sum)
          for i in row { y[i] *= factor }
        }
      }
    }
  }

  // With y the output: dx = y · (dy − Σ dy · y).
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let classes = output.shape[-1]
    let dx = output.withUnsafeBufferPointer { y in
      cotangent.withUnsafePointer { dy in
        Tensor(output.shape) { dx in
          for start in stride(from: 0, to: y.count, by: classes) {
            let row = start..<start + classes
            var dot = 0.0
            for i in row { dot += Double(dy[i]) * Double(y[i]) }
            let mean = Float(dot)
            for i in row { dx[i] = y[i] * (dy[i] - mean) }
          }
        }
      }
    }
    return [dx]
  }
}

extension Value {
  /// Records the softmax over the last axis.
  public func softmax() -> Value { applying(Softmax()) }
}
