public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// Sets elements to zero at random and scales the others by `1 / (1 − rate)`, as in training.
///
/// Which elements survive depends on the seed and their row-major index alone: recording with the
/// same seed gives the same mask. In inference dropout is the identity and simply not recorded.
public struct Dropout: ElementwisePrimitive {
  /// The share of elements that become zero, at least 0 and less than 1.
  public let rate: Float
  /// Selects the mask.
  public let seed: UInt64

  /// Makes the operation.
  public init(rate: Float, seed: UInt64) {
    self.rate = rate
    self.seed = seed
  }

  public var name: String { "dropout" }

  public var nature: Nature { .linear }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(1...1, inputs)
    guard rate >= 0, rate < 1 else {
      throw ShapeError(name, inputs, "the rate \(rate) is not in 0..<1")
    }
    return inputs[0]
  }

  public func forward(_ inputs: [Tensor]) -> Tensor { masked(inputs[0]) }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [masked(cotangent)]
  }

  private func masked(_ x: Tensor) -> Tensor {
    let random = CounterRandom(seed: seed)
    // The number at an index has 24 bits: it is less than the rate where its bits are less than
    // this.
    let limit = UInt64((Double(rate) * 0x1p24).rounded(.up))
    let factor = 1 / (1 - rate)
    return Tensor(uninitialized: x.shape) { y in
      x.withUnsafeBufferPointer { x in
        for i in 0..<x.count { y[i] = random.bits(i) >> 40 < limit ? 0 : x[i] * factor }
      }
    }
  }
}

extension Value {
  /// Records a dropout in training mode.
  ///
  /// - Parameters:
  ///   - rate: The share of elements that become zero, at least 0 and less than 1.
  ///   - seed: Selects the mask; every layer and every step should have its own.
  /// - Returns: A value of the same shape.
  public func dropout(rate: Float, seed: UInt64) -> Value {
    applying(Dropout(rate: rate, seed: seed))
  }
}
