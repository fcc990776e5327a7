public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The mean over some axes, accumulated in Double.
public struct Mean: Primitive {
  private let sum: Sum

  /// The axes that the mean is taken over; negative ones count from the end.
  public var axes: [Int] { sum.axes }
  /// Whether these axes stay in the shape, with extent 1.
  public var keepsDimensions: Bool { sum.keepsDimensions }

  /// Makes the operation.
  public init(axes: [Int], keepsDimensions: Bool = false) {
    sum = Sum(axes: axes, keepsDimensions: keepsDimensions)
  }

  public var name: String { "mean" }

  public var nature: Nature { .linear }

  public var reach: Reach { .everywhere }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    do throws(ShapeError) {
      return try sum.outputShape(inputs)
    } catch {
      throw ShapeError(name, inputs, error.reason)
    }
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { inputs[0].count }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let total = sum.forward(inputs)
    return total * (Float(total.count) / Float(inputs[0].count))
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    sum.pullback(
      cotangent * (Float(output.count) / Float(inputs[0].count)), inputs: inputs, output: output,
      wanted: wanted)
  }
}

extension Value {
  /// Records the mean over some axes, all of them unless stated.
  public func mean(over axes: [Int]? = nil, keepsDimensions: Bool = false) -> Value {
    applying(Mean(axes: axes ?? Array(0..<shape.rank), keepsDimensions: keepsDimensions))
  }
}
