internal import PrismKernels
public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The logarithm of the softmax over the last axis, `x − log Σ exp(x)`.
///
/// The largest element is subtracted first, so that no logits, however large, give infinity or NaN.
public struct LogSoftmax: Primitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "logSoftmax" }

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
          var sum = 0.0
          for i in row { sum += Double(plainExponential(x[i] - largest)) }
          let logarithm = Float(logarithm(sum))
          for i in row { y[i] = (x[i] - largest) - logarithm }
        }
      }
    }
  }

  // With y the output: dx = dy − exp(y) · Σ dy.
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let classes = output.shape[-1]
    let dx = output.withUnsafeBufferPointer { y in
      cotangent.withUnsafePointer { dy in
        Tensor(output.shape) { dx in
          for start in stride(from: 0, to: y.count, by: classes) {
            let row = start..<start + classes
            var total = 0.0
            for i in row { total += Double(dy[i]) }
            let sum = Float(total)
            for i in row { dx[i] = dy[i] - plainExponential(y[i]) * sum }
          }
        }
      }
    }
    return [dx]
  }
}

extension Value {
  /// Records the logarithm of the softmax over the last axis.
  public func logSoftmax() -> Value { applying(LogSoftmax()) }
}
