public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// Several tensors one after the other along an axis.
public struct Concatenate: Primitive {
  /// The axis; a negative one counts from the end.
  public let axis: Int

  /// Makes the operation.
  public init(axis: Int = -1) {
    self.axis = axis
  }

  public var name: String { "concatenate" }

  public var nature: Nature { .rearrangement }

  // Only channels, the last axis of an image, can be joined without moving positions.
  public var reach: Reach { axis == -1 ? .pointwise : .everywhere }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    guard let first = inputs.first else { throw ShapeError(name, inputs, "needs an input") }
    guard axis >= -first.rank, axis < first.rank else {
      throw ShapeError(name, inputs, "there is no axis \(axis)")
    }
    var total = 0
    for shape in inputs {
      guard shape.rank == first.rank, shape.replacing(axis: axis, with: first[axis]) == first
      else { throw ShapeError(name, inputs, "the shapes differ outside axis \(axis)") }
      let (sum, overflow) = total.addingReportingOverflow(shape[axis])
      guard !overflow else { throw ShapeError(name, inputs, "axis \(axis) would be too long") }
      total = sum
    }
    return first.replacing(axis: axis, with: total)
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { 0 }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let total = inputs.reduce(0) { $0 + $1.shape[axis] }
    let shape = inputs[0].shape.replacing(axis: axis, with: total)
    let rows = rows(shape)
    return Tensor(uninitialized: shape) { y in
      var offset = 0
      for input in inputs {
        let length = input.count / rows
        input.withUnsafePointer { x in
          for row in 0..<rows {
            (y + row * (shape.count / rows) + offset).update(from: x + row * length, count: length)
          }
        }
        offset += length
      }
    }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let rows = rows(output.shape)
    let stride = output.count / rows
    var results: [Tensor?] = []
    var offset = 0
    for (input, isWanted) in zip(inputs, wanted) {
      let length = input.count / rows
      results.append(
        !isWanted
          ? nil
          : Tensor(uninitialized: input.shape) { dx in
            cotangent.withUnsafePointer { dy in
              for row in 0..<rows {
                (dx + row * length).update(from: dy + row * stride + offset, count: length)
              }
            }
          })
      offset += length
    }
    return results
  }

  /// The number of contiguous pieces into which each input falls.
  private func rows(_ shape: Shape) -> Int {
    shape.dimensions.prefix(axis < 0 ? axis + shape.rank : axis).reduce(1, *)
  }
}

extension Value {
  /// Records this value followed by others along an axis, the channels unless stated.
  public func concatenated(with others: [Value], axis: Int = -1) -> Value {
    applying(Concatenate(axis: axis >= 0 ? axis - shape.rank : axis), others)
  }
}
