public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The binary cross entropy of logits against targets between 0 and 1, element by element, then
/// averaged.
///
/// Inputs: the logits `[N, K]`, the targets `[N, K]`, then, where the operation has them, a weight
/// for the positive targets of every class `[K]` and a weight for every element `[N, K]`. Output: a
/// scalar. An element with logit x and target t loses
/// `p · t · softplus(−x) + (1 − t) · softplus(x)`, where p is its class's positive weight. The mean
/// is weighted by the elements' weights: weight 0 leaves an element out, and where all are 0 the
/// loss is 0.
public struct BinaryCrossEntropy: Primitive {
  /// Whether an input weighs the positive targets of every class.
  public let hasPositiveWeights: Bool
  /// Whether an input weighs every element.
  public let hasElementWeights: Bool

  /// Makes the operation.
  public init(hasPositiveWeights: Bool = false, hasElementWeights: Bool = false) {
    self.hasPositiveWeights = hasPositiveWeights
    self.hasElementWeights = hasElementWeights
  }

  public var name: String { "binaryCrossEntropy" }

  public var nature: Nature { .other }

  public var reach: Reach { .everywhere }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    let count = 2 + (hasPositiveWeights ? 1 : 0) + (hasElementWeights ? 1 : 0)
    try expect(count...count, inputs)
    try expect(rank: 2, ofInput: 0, inputs)
    guard inputs[0] == inputs[1] else {
      throw ShapeError(name, inputs, "the targets need the shape of the logits")
    }
    if hasPositiveWeights, inputs[2] != [inputs[0][1]] {
      throw ShapeError(name, inputs, "the positive weights need one number a class")
    }
    if hasElementWeights, inputs[count - 1] != inputs[0] {
      throw ShapeError(name, inputs, "the elements' weights need the shape of the logits")
    }
    return []
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { 12 * inputs[0].count }

  /// Copies of the inputs, and sums in double precision.
  public func scratchSize(_ inputs: [Shape], output: Shape) -> Int {
    3 * inputs.reduce(0) { $0 + $1.count }
  }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    var (loss, total) = (0.0, 0.0)
    forEachElement(inputs) { element in
      loss += element.weight * element.loss
      total += element.weight
    }
    return Tensor(Float(total == 0 ? 0 : loss / total))
  }

  // With s the sigmoid of x and W the sum of the weights w, an element's loss l has dl/dx = (1 − t)
  // · s − p · t · (1 − s), dl/dt = p · softplus(−x) − softplus(x), dl/dp = t · softplus(−x); the
  // mean adds the factor w / W, and its derivative by w is (l − mean) / W.
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let classes = inputs[0].shape[1]
    let mean = Double(output.scalars[0])
    var total = 0.0
    forEachElement(inputs) { total += $0.weight }
    let share = total == 0 ? 0 : Double(cotangent.scalars[0]) / total
    var sums = inputs.map { [Double](repeating: 0, count: $0.count) }
    forEachElement(inputs) { element in
      let (i, t, p) = (element.index, element.target, element.positiveWeight)
      let s = element.sigmoid
      sums[0][i] = share * element.weight * ((1 - t) * s - p * t * (1 - s))
      sums[1][i] = share * element.weight * (p * element.softplusMinus - element.softplus)
      if hasPositiveWeights {
        sums[2][i % classes] += share * element.weight * t * element.softplusMinus
      }
      if hasElementWeights {
        sums[inputs.count - 1][i] = share * (element.loss - mean)
      }
    }
    return inputs.indices.map { k in
      wanted[k] ? Tensor(inputs[k].shape, sums[k].map(Float.init)) : nil
    }
  }

  private struct Element {
    let index: Int
    let logit, target, positiveWeight, weight: Double

    /// `log(1 + exp(x))`, without overflow.
    var softplus: Double { max(logit, 0) + logarithm(onePlus: exponential(-abs(logit))) }
    /// `log(1 + exp(−x))`, without overflow.
    var softplusMinus: Double { max(-logit, 0) + logarithm(onePlus: exponential(-abs(logit))) }
    var sigmoid: Double { exponential(-softplusMinus) }
    var loss: Double { positiveWeight * target * softplusMinus + (1 - target) * softplus }
  }

  private func forEachElement(_ inputs: [Tensor], _ body: (Element) -> Void) {
    let classes = inputs[0].shape[1]
    let scalars = inputs.map(\.scalars)
    for i in scalars[0].indices {
      body(
        Element(
          index: i, logit: Double(scalars[0][i]), target: Double(scalars[1][i]),
          positiveWeight: hasPositiveWeights ? Double(scalars[2][i % classes]) : 1,
          weight: hasElementWeights ? Double(scalars[inputs.count - 1][i]) : 1))
    }
  }
}

extension Value {
  /// Records the mean binary cross entropy of these logits, `[N, K]`, against targets between 0 and
  /// 1.
  ///
  /// - Parameters:
  ///   - targets: `[N, K]`.
  ///   - positiveWeights: `[K]`, what a positive target of each class weighs, or `nil` for ones.
  ///   - weights: `[N, K]`, what each element weighs in the mean (0 to ignore it), or `nil` for
  ///     ones.
  /// - Returns: A scalar.
  public func binaryCrossEntropy(
    _ targets: Value, positiveWeights: Value? = nil, weights: Value? = nil
  ) -> Value {
    applying(
      BinaryCrossEntropy(
        hasPositiveWeights: positiveWeights != nil, hasElementWeights: weights != nil),
      [targets] + [positiveWeights, weights].compactMap { $0 })
  }
}
