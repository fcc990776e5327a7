public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The cross entropy of logits against target distributions, `−Σ wₖ · tₖ · log softmax(x)ₖ`, mean
/// over the batch.
///
/// Inputs: the logits `[N, K]`, the targets `[N, K]` and, optionally, a weight for every class
/// `[K]`. Output: a scalar. The sum is divided by N, also with class weights, as torch does for
/// targets that are distributions.
public struct CrossEntropy: Primitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "crossEntropy" }

  public var nature: Nature { .other }

  public var reach: Reach { .everywhere }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(2...3, inputs)
    try expect(rank: 2, ofInput: 0, inputs)
    guard inputs[0] == inputs[1] else {
      throw ShapeError(name, inputs, "the targets need the shape of the logits")
    }
    if inputs.count == 3, inputs[2] != [inputs[0][1]] {
      throw ShapeError(name, inputs, "the weights need one number a class")
    }
    return []
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { 7 * inputs[0].count }

  /// The logarithms of the softmax and the weighted targets.
  public func scratchSize(_ inputs: [Shape], output: Shape) -> Int { 2 * inputs[0].count }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let weighted = inputs.count == 3 ? weighted(inputs[1], by: inputs[2]) : inputs[1]
    var loss = 0.0
    weighted.withUnsafeBufferPointer { targets in
      LogSoftmax().forward([inputs[0]]).withUnsafePointer { logarithms in
        // A class that is no target costs nothing, also where its probability is zero in `Float`.
        for i in targets.indices where targets[i] != 0 {
          loss -= Double(targets[i]) * Double(logarithms[i])
        }
      }
    }
    return Tensor(Float(loss / Double(inputs[0].shape[0])))
  }

  // With p the softmax: dxₖ = dy / N · (pₖ · Σ w t − wₖ tₖ), dtₖ = −dy / N · wₖ log pₖ, dwₖ = −dy /
  // N · Σ rows of tₖ log pₖ.
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let (logits, targets) = (inputs[0], inputs[1])
    let classes = logits.shape[1]
    let share = cotangent.scalars[0] / Float(logits.shape[0])
    let logarithms = LogSoftmax().forward([logits])
    var results = [Tensor?](repeating: nil, count: inputs.count)
    if wanted[0] {
      let weighted = inputs.count == 3 ? weighted(targets, by: inputs[2]) : targets
      results[0] =
        LogSoftmax().pullback(
          weighted * -share, inputs: [logits], output: logarithms, wanted: [true])[0]
    }
    if wanted[1] {
      let scaled = logarithms * -share
      results[1] = inputs.count == 3 ? self.weighted(scaled, by: inputs[2]) : scaled
    }
    if inputs.count == 3, wanted[2] {
      results[2] = sumOfRows(logarithms * targets, channels: classes) * -share
    }
    return results
  }

  private func weighted(_ rows: Tensor, by weights: Tensor) -> Tensor {
    broadcasting(rows, weights, to: rows.shape) { $0 * $1 }
  }
}

extension Value {
  /// Records the cross entropy of these logits, `[N, K]`, against target distributions; mean over
  /// the batch.
  ///
  /// - Parameters:
  ///   - targets: `[N, K]`; a one-hot row for a label.
  ///   - classWeights: `[K]`, or `nil` for ones.
  /// - Returns: A scalar.
  public func crossEntropy(_ targets: Value, classWeights: Value? = nil) -> Value {
    applying(CrossEntropy(), [targets] + (classWeights.map { [$0] } ?? []))
  }
}
