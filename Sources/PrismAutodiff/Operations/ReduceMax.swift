public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The largest element over some axes.
///
/// Among equal elements the first in row-major order gets the gradient. NaN wins over every number.
public struct ReduceMax: Primitive {
  private let sum: Sum

  /// The axes that the largest element is taken over; negative ones count from the end.
  public var axes: [Int] { sum.axes }
  /// Whether these axes stay in the shape, with extent 1.
  public var keepsDimensions: Bool { sum.keepsDimensions }

  /// Makes the operation.
  public init(axes: [Int], keepsDimensions: Bool = false) {
    sum = Sum(axes: axes, keepsDimensions: keepsDimensions)
  }

  public var name: String { "reduceMax" }

  public var nature: Nature { .selection }

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
    let places = places(inputs[0])
    let shape = keepsDimensions ? sum.kept(inputs[0].shape) : sum.dropped(inputs[0].shape)
    return inputs[0].withUnsafePointer { x in
      Tensor(uninitialized: shape) { y in
        for i in places.indices { y[i] = x[places[i]] }
      }
    }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let places = places(inputs[0])
    var dx = Tensor(inputs[0].shape)
    dx.withUnsafeMutablePointer { dx in
      cotangent.withUnsafePointer { dy in
        for i in places.indices { dx[places[i]] = dy[i] }
      }
    }
    return [dx]
  }

  /// Where the largest element is, for every element of the output.
  private func places(_ tensor: Tensor) -> [Int] {
    let kept = sum.kept(tensor.shape)
    let walk = Broadcast(kept, tensor.shape, output: tensor.shape)
    var places = [Int](repeating: -1, count: kept.count)
    tensor.withUnsafePointer { x in
      walk.forEachRun { offset, target, _ in
        for i in 0..<walk.length {
          let place = target + i * walk.steps.a
          let held = places[place]
          guard held >= 0 else {
            places[place] = offset + i
            continue
          }
          if !x[held].isNaN, x[offset + i].isNaN || x[offset + i] > x[held] {
            places[place] = offset + i
          }
        }
      }
    }
    return places
  }
}

extension Value {
  /// Records the largest element over some axes, all of them unless stated.
  public func maximum(over axes: [Int]? = nil, keepsDimensions: Bool = false) -> Value {
    applying(ReduceMax(axes: axes ?? Array(0..<shape.rank), keepsDimensions: keepsDimensions))
  }
}
