public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The sigmoid-weighted unit of straight lines, `x · min(max(x + 3, 0), 6) / 6`, element by element.
///
/// Definition: Howard et al., "Searching for MobileNetV3", ICCV 2019.
public struct HardSwish: ElementwisePrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "hardSwish" }

  public var nature: Nature { .rectifier }

  public var flopsPerElement: Int { 4 }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    inputs[0].map { $0 * min(max($0 + 3, 0), 6) / 6 }
  }

  // dx = dy · (2x + 3) / 6 between −3 and 3; 0 below, dy above, as torch has it.
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [cotangent.zip(inputs[0]) { $1 <= -3 ? 0 : ($1 < 3 ? $0 * (2 * $1 + 3) / 6 : $0) }]
  }
}

extension Value {
  /// Records `x · min(max(x + 3, 0), 6) / 6`.
  public func hardSwish() -> Value { applying(HardSwish()) }
}
