internal import PrismKernels
public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// A fully connected layer, `x · Wᵀ + b`.
///
/// Inputs: `[N, I]`, the weight `[O, I]` and, optionally, the bias `[O]`. Output: `[N, O]`.
public struct FullyConnected: Primitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "dense" }

  public var nature: Nature { .linear }

  public var reach: Reach { .everywhere }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(2...3, inputs)
    try expect(rank: 2, ofInput: 0, inputs)
    try expect(rank: 2, ofInput: 1, inputs)
    guard inputs[0][1] == inputs[1][1] else {
      throw ShapeError(name, inputs, "the weight needs one column an input feature")
    }
    if inputs.count == 3, inputs[2] != [inputs[1][0]] {
      throw ShapeError(name, inputs, "the bias needs one number an output feature")
    }
    return [inputs[0][0], inputs[1][0]]
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { 2 * output.count * inputs[1][1] }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let (x, weight) = (inputs[0], inputs[1])
    let (rows, features, outputs) = (x.shape[0], x.shape[1], weight.shape[0])
    return Tensor(uninitialized: [rows, outputs]) { y in
      x.withUnsafePointer { x in
        weight.withUnsafePointer { w in
          plainMatrixProduct(
            m: rows, n: outputs, k: features, a: x, leadingA: features, b: w, leadingB: features,
            transposeB: true, c: y, leadingC: outputs)
        }
      }
      if inputs.count == 3 { addRow(inputs[2], to: y, rows: rows) }
    }
  }

  // dx = dy · W, dW = dyᵀ · x, db = Σ rows of dy.
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let (x, weight) = (inputs[0], inputs[1])
    let (rows, features, outputs) = (x.shape[0], x.shape[1], weight.shape[0])
    var results = [Tensor?](repeating: nil, count: inputs.count)
    cotangent.withUnsafePointer { dy in
      if wanted[0] {
        results[0] = Tensor(uninitialized: x.shape) { dx in
          weight.withUnsafePointer { w in
            plainMatrixProduct(
              m: rows, n: features, k: outputs, a: dy, leadingA: outputs, b: w, leadingB: features,
              c: dx, leadingC: features)
          }
        }
      }
      if wanted[1] {
        results[1] = Tensor(uninitialized: weight.shape) { dw in
          x.withUnsafePointer { x in
            plainMatrixProduct(
              m: outputs, n: features, k: rows, a: dy, leadingA: outputs, transposeA: true, b: x,
              leadingB: features, c: dw, leadingC: features)
          }
        }
      }
    }
    if inputs.count == 3, wanted[2] { results[2] = sumOfRows(cotangent, channels: outputs) }
    return results
  }
}

extension Value {
  /// Records a fully connected layer on this value, `[N, I]`.
  ///
  /// - Parameters:
  ///   - weight: `[O, I]`.
  ///   - bias: `[O]`, or `nil` for none.
  /// - Returns: `[N, O]`.
  public func dense(_ weight: Value, bias: Value? = nil) -> Value {
    applying(FullyConnected(), [weight] + (bias.map { [$0] } ?? []))
  }
}
