internal import PrismKernels
public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The logarithm of the softmax over the last axis, `x − log Σ exp(x)`.
///
/// The largest element is subtracted first, so that no logits, however large, give infinity or NaN.
public struct LogSoftmax: RowPrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "logSoftmax" }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    inputs[0].withUnsafePointer { x in
      Tensor(uninitialized: inputs[0].shape) { y in
        for row in rows(of: inputs[0].shape) {
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
    let dx = output.withUnsafePointer { y in
      cotangent.withUnsafePointer { dy in
        Tensor(uninitialized: output.shape) { dx in
          for row in rows(of: output.shape) {
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
