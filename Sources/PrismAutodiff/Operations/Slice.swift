public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// A part of a tensor along an axis: every `step`-th element from `start` up to `end`.
public struct Slice: Primitive {
  /// The axis; a negative one counts from the end.
  public let axis: Int
  /// The first element.
  public let start: Int
  /// Where the part ends; this element is not in it.
  public let end: Int
  /// From one element to the next.
  public let step: Int

  /// Makes the operation.
  public init(axis: Int = -1, start: Int, end: Int, step: Int = 1) {
    self.axis = axis
    self.start = start
    self.end = end
    self.step = step
  }

  public var name: String { "slice" }

  public var nature: Nature { .rearrangement }

  // Only channels, the last axis of an image, can be left out without moving positions.
  public var reach: Reach { axis == -1 ? .pointwise : .everywhere }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(1...1, inputs)
    guard axis >= -inputs[0].rank, axis < inputs[0].rank else {
      throw ShapeError(name, inputs, "there is no axis \(axis)")
    }
    guard start >= 0, start < end, end <= inputs[0][axis], step >= 1 else {
      throw ShapeError(name, inputs, "axis \(axis) has no elements \(start) to \(end) by \(step)")
    }
    return inputs[0].replacing(axis: axis, with: (end - start - 1) / step + 1)
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { 0 }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let shape = inputs[0].shape
    return inputs[0].withUnsafePointer { x in
      Tensor(uninitialized: shape.replacing(axis: axis, with: (end - start - 1) / step + 1)) { y in
        forEachPiece(shape) { from, to, count in (y + to).update(from: x + from, count: count) }
      }
    }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    var dx = Tensor(inputs[0].shape)
    dx.withUnsafeMutablePointer { dx in
      cotangent.withUnsafePointer { dy in
        forEachPiece(inputs[0].shape) { from, to, count in
          (dx + from).update(from: dy + to, count: count)
        }
      }
    }
    return [dx]
  }

  /// Calls a closure with where every contiguous piece is in the input and in the output, and its
  /// length.
  private func forEachPiece(_ shape: Shape, _ body: (Int, Int, Int) -> Void) {
    let own = axis < 0 ? axis + shape.rank : axis
    let inner = shape.dimensions[(own + 1)...].reduce(1, *)
    let outer = shape.dimensions[..<own].reduce(1, *)
    let (pieces, length) =
      step == 1 ? (1, (end - start) * inner) : ((end - start - 1) / step + 1, inner)
    for row in 0..<outer {
      for piece in 0..<pieces {
        body(
          (row * shape[own] + start + piece * step) * inner, (row * pieces + piece) * length,
          length)
      }
    }
  }
}

extension Value {
  /// Records a part of this value along an axis, the channels unless stated.
  public func sliced(axis: Int = -1, from start: Int, to end: Int, by step: Int = 1) -> Value {
    applying(
      Slice(axis: axis >= 0 ? axis - shape.rank : axis, start: start, end: end, step: step))
  }
}
