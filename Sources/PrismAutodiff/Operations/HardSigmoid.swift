public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// A sigmoid of straight lines, `min(max(slope · x + offset, 0), 1)`, element by element.
public struct HardSigmoid: ElementwisePrimitive {
  /// What the input is multiplied by.
  public let slope: Float
  /// What is added to it then.
  public let offset: Float

  /// Makes the operation.
  public init(slope: Float = 1 / 6, offset: Float = 0.5) {
    self.slope = slope
    self.offset = offset
  }

  public var name: String { "hardSigmoid" }

  public var flopsPerElement: Int { 4 }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    inputs[0].map { min(max(slope * $0 + offset, 0), 1) }
  }

  // The derivative is the slope strictly between both ends and 0 elsewhere.
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [
      cotangent.zip(inputs[0]) { dy, x in
        let y = slope * x + offset
        return y > 0 && y < 1 ? dy * slope : 0
      }
    ]
  }
}

extension Value {
  /// Records `min(max(slope · x + offset, 0), 1)`.
  public func hardSigmoid(slope: Float = 1 / 6, offset: Float = 0.5) -> Value {
    applying(HardSigmoid(slope: slope, offset: offset))
  }
}
