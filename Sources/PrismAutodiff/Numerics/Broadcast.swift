internal import PrismTensor

/// How two operands lie under the output that they broadcast to (NumPy's rule).
///
/// Neighbouring axes that both operands treat alike are merged, so that the innermost loop is as
/// long as it can be.
struct Broadcast {
  private struct Axis {
    var extent, a, b: Int
  }

  /// Innermost axis first; never empty.
  private var axes: [Axis] = []

  /// The elements of the innermost axis.
  var length: Int { axes[0].extent }
  /// The steps of the operands along the innermost axis, 0 or 1.
  var steps: (a: Int, b: Int) { (axes[0].a, axes[0].b) }

  init(_ a: Shape, _ b: Shape, output: Shape) {
    var (strideA, strideB) = (1, 1)
    for axis in output.dimensions.indices.reversed() where output[axis] != 1 {
      let axisA = axis - (output.rank - a.rank)
      let axisB = axis - (output.rank - b.rank)
      let extentA = axisA < 0 ? 1 : a.dimensions[axisA]
      let extentB = axisB < 0 ? 1 : b.dimensions[axisB]
      let next = Axis(
        extent: output[axis], a: extentA == 1 ? 0 : strideA, b: extentB == 1 ? 0 : strideB)
      if let inner = axes.last, next.a == inner.a * inner.extent, next.b == inner.b * inner.extent {
        axes[axes.count - 1].extent *= next.extent
      } else {
        axes.append(next)
      }
      strideA *= extentA
      strideB *= extentB
    }
    if axes.isEmpty { axes = [Axis(extent: 1, a: 0, b: 0)] }
  }

  /// Calls a closure with the offsets at which each run along the innermost axis begins.
  @inline(__always)
  func forEachRun(_ body: (_ output: Int, _ a: Int, _ b: Int) -> Void) {
    var index = [Int](repeating: 0, count: axes.count)
    let runs = axes.dropFirst().reduce(1) { $0 * $1.extent }
    var (a, b) = (0, 0)
    for run in 0..<runs {
      body(run * length, a, b)
      for axis in 1..<axes.count {
        index[axis] += 1
        a += axes[axis].a
        b += axes[axis].b
        if index[axis] < axes[axis].extent { break }
        a -= axes[axis].a * axes[axis].extent
        b -= axes[axis].b * axes[axis].extent
        index[axis] = 0
      }
    }
  }
}

/// Applies a function to the elements of two tensors that broadcast to one shape.
@inline(__always)
func broadcasting(
  _ a: Tensor, _ b: Tensor, to shape: Shape, _ transform: (Float, Float) -> Float
) -> Tensor {
  if a.shape == shape, b.shape == shape { return a.zip(b, transform) }
  let walk = Broadcast(a.shape, b.shape, output: shape)
  let count = walk.length
  return Tensor(uninitialized: shape) { y in
    a.withUnsafePointer { a in
      b.withUnsafePointer { b in
        walk.forEachRun { offset, offsetA, offsetB in
          let (y, a, b) = (y + offset, a + offsetA, b + offsetB)
          switch walk.steps {
          case (1, 1): for i in 0..<count { y[i] = transform(a[i], b[i]) }
          case (1, _):
            let b = b[0]
            for i in 0..<count { y[i] = transform(a[i], b) }
          case (_, 1):
            let a = a[0]
            for i in 0..<count { y[i] = transform(a, b[i]) }
          default: y.update(repeating: transform(a[0], b[0]), count: count)
          }
        }
      }
    }
  }
}

/// Applies a function to the elements of two tensors, broadcast to the shape of both.
@inline(__always)
func broadcasting(
  _ a: Tensor, _ b: Tensor, _ transform: (Float, Float) -> Float
) -> Tensor {
  broadcasting(a, b, to: Shape.broadcast(a.shape, b.shape) ?? [], transform)
}

/// The cotangent of an operand that was broadcast: sums the terms of all elements that read one
/// element of it.
///
/// - Parameters:
///   - cotangent: In the output's shape.
///   - other: The other operand, which broadcasts to the output's shape.
///   - shape: The operand's shape.
///   - term: What one element adds, given its cotangent and the other operand's element.
/// - Returns: A tensor of the operand's shape, accumulated in Double where anything is summed.
@inline(__always)
func summing(
  _ cotangent: Tensor, _ other: Tensor, to shape: Shape, _ term: (Float, Float) -> Float
) -> Tensor {
  if shape == cotangent.shape { return broadcasting(cotangent, other, to: shape, term) }
  let walk = Broadcast(shape, other.shape, output: cotangent.shape)
  let count = walk.length
  var sums = [Double](repeating: 0, count: shape.count)
  sums.withUnsafeMutableBufferPointer { sums in
    cotangent.withUnsafePointer { dy in
      other.withUnsafePointer { other in
        walk.forEachRun { offset, target, offsetOther in
          let (dy, other) = (dy + offset, other + offsetOther)
          switch walk.steps {
          case (1, 1): for i in 0..<count { sums[target + i] += Double(term(dy[i], other[i])) }
          case (1, _):
            let other = other[0]
            for i in 0..<count { sums[target + i] += Double(term(dy[i], other)) }
          case (_, let step):
            var total = 0.0
            for i in 0..<count { total += Double(term(dy[i], other[i * step])) }
            sums[target] += total
          }
        }
      }
    }
  }
  return Tensor(shape) { target in
    for i in sums.indices { target[i] = Float(sums[i]) }
  }
}

/// The sum of a tensor over the axes along which a shape broadcasts to the tensor's; the tensor
/// itself where none does.
func sumOfBroadcast(_ tensor: Tensor, to shape: Shape) -> Tensor {
  if shape == tensor.shape { return tensor }
  return summing(tensor, tensor, to: shape) { value, _ in value }
}
