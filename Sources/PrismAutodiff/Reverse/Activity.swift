package import PrismTensor

/// Where a rectifier has a slope: 1 where its output is positive, and below 6 where it ends there,
/// else 0.
///
/// All that the walk back through the rectifier needs to know, at a bit a number.
package struct Activity: Primitive {
  /// Whether the rectifier is a ReLU6.
  package let isBounded: Bool

  package var name: String { "activity" }

  package var nature: Nature { .other }

  package var reach: Reach { .pointwise }

  /// The shape of the rectifier's output.
  ///
  /// - Throws: ``ShapeError`` unless there is one input.
  package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(1...1, inputs)
    return inputs[0]
  }

  /// Ones and zeros.
  package func forward(_ inputs: [Tensor]) -> Tensor {
    let isBounded = isBounded
    return inputs[0].map { $0 > 0 && (!isBounded || $0 < 6) ? 1 : 0 }
  }

  /// None: nothing walks back twice.
  package func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] { [nil] }

  package func flops(_ inputs: [Shape], output: Shape) -> Int { output.count }
}

/// The walk back through a rectifier whose ``Activity`` is known: its inputs are the cotangent and
/// the activity.
package struct ActivityPullback: Primitive {
  /// Whether nothing passes where the cotangent is not positive.
  package let isGuided: Bool

  package var name: String { "activityPullback" }

  package var nature: Nature { .other }

  package var reach: Reach { .pointwise }

  /// The shape of both inputs.
  ///
  /// - Throws: ``ShapeError`` where they differ.
  package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(2...2, inputs)
    guard inputs[0] == inputs[1] else {
      throw ShapeError(name, inputs, "the cotangent needs the shape of the activity")
    }
    return inputs[0]
  }

  /// The cotangent where the rectifier has a slope.
  package func forward(_ inputs: [Tensor]) -> Tensor {
    let isGuided = isGuided
    return inputs[0].zip(inputs[1]) { $1 > 0 ? (isGuided ? max($0, 0) : $0) : 0 }
  }

  /// None: nothing walks back twice.
  package func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] { [nil, nil] }

  package func flops(_ inputs: [Shape], output: Shape) -> Int { output.count }
}
