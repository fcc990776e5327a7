public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The mean over all rows and columns: `[N, H, W, C]` to `[N, C]`, accumulated in Double.
public struct GlobalAveragePool: GlobalPoolPrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "globalAveragePool" }

  public var nature: Nature { .linear }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let shape = inputs[0].shape
    let (positions, channels) = (shape[1] * shape[2], shape[3])
    return Tensor(uninitialized: [shape[0], channels]) { y in
      inputs[0].withUnsafePointer { x in
        for n in 0..<shape[0] {
          var sums = [Double](repeating: 0, count: channels)
          for p in 0..<positions {
            let x = x + (n * positions + p) * channels
            for c in 0..<channels { sums[c] += Double(x[c]) }
          }
          for c in 0..<channels { y[n * channels + c] = Float(sums[c] / Double(positions)) }
        }
      }
    }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let shape = inputs[0].shape
    let (positions, channels) = (shape[1] * shape[2], shape[3])
    let share = cotangent * (1 / Float(positions))
    let dx = Tensor(uninitialized: shape) { dx in
      share.withUnsafePointer { share in
        for n in 0..<shape[0] {
          for p in 0..<positions {
            (dx + (n * positions + p) * channels).update(
              from: share + n * channels, count: channels)
          }
        }
      }
    }
    return [dx]
  }
}

extension Value {
  /// Records the mean over all rows and columns, `[N, H, W, C]` to `[N, C]`.
  public func globalAveragePool() -> Value { applying(GlobalAveragePool()) }
}
