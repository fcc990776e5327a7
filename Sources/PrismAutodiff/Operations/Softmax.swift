internal import PrismKernels
public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The softmax over the last axis, `exp(x) / Σ exp(x)`.
///
/// The largest element is subtracted first, so that no logits, however large, give infinity or NaN.
public struct Softmax: RowPrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "softmax" }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    inputs[0].withUnsafePointer { x in
      Tensor(uninitialized: inputs[0].shape) { y in
        for row in rows(of: inputs[0].shape) {
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
    let dx = output.withUnsafePointer { y in
      cotangent.withUnsafePointer { dy in
        Tensor(uninitialized: output.shape) { dx in
          for row in rows(of: output.shape) {
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
