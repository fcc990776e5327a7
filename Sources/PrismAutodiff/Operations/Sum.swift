public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The sum over some axes, accumulated in Double.
public struct Sum: Primitive {
  /// The axes that are summed over; negative ones count from the end.
  public let axes: [Int]
  /// Whether these axes stay in the shape, with extent 1.
  public let keepsDimensions: Bool

  /// Makes the operation.
  public init(axes: [Int], keepsDimensions: Bool = false) {
    self.axes = axes
    self.keepsDimensions = keepsDimensions
  }

  public var name: String { "sum" }

  public var nature: Nature { .linear }

  public var reach: Reach { .everywhere }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(1...1, inputs)
    let rank = inputs[0].rank
    guard axes.allSatisfy({ $0 >= -rank && $0 < rank }) else {
      throw ShapeError(name, inputs, "there are no axes \(axes)")
    }
    guard Set(axes.map { $0 < 0 ? $0 + rank : $0 }).count == axes.count else {
      throw ShapeError(name, inputs, "an axis is named twice in \(axes)")
    }
    return keepsDimensions ? kept(inputs[0]) : dropped(inputs[0])
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { inputs[0].count }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let shape = inputs[0].shape
    return sumOfBroadcast(inputs[0], to: kept(shape)).reshaped(
      to: keepsDimensions ? kept(shape) : dropped(shape))
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let shape = inputs[0].shape
    let kept = cotangent.reshaped(to: kept(shape))
    return [broadcasting(kept, kept, to: shape) { value, _ in value }]
  }

  func kept(_ shape: Shape) -> Shape {
    axes.reduce(shape) { $0.replacing(axis: $1, with: 1) }
  }

  func dropped(_ shape: Shape) -> Shape {
    let gone = Set(axes.map { $0 < 0 ? $0 + shape.rank : $0 })
    return Shape(shape.dimensions.indices.filter { !gone.contains($0) }.map { shape[$0] })
  }
}

extension Value {
  /// Records the sum over some axes, all of them unless stated.
  public func sum(over axes: [Int]? = nil, keepsDimensions: Bool = false) -> Value {
    applying(Sum(axes: axes ?? Array(0..<shape.rank), keepsDimensions: keepsDimensions))
  }
}
