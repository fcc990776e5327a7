public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The largest element over all rows and columns: `[N, H, W, C]` to `[N, C]`.
///
/// Among equal elements the first in row-major order gets the gradient. NaN wins over every number.
public struct GlobalMaxPool: GlobalPoolPrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "globalMaxPool" }

  public var nature: Nature { .selection }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    pool(inputs[0].shape).forward(inputs).reshaped(to: [inputs[0].shape[0], inputs[0].shape[3]])
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let shape: Shape = [output.shape[0], 1, 1, output.shape[1]]
    return pool(inputs[0].shape).pullback(
      cotangent.reshaped(to: shape), inputs: inputs, output: output.reshaped(to: shape),
      wanted: wanted)
  }

  /// The pool whose one window is the whole image.
  private func pool(_ shape: Shape) -> MaxPool {
    MaxPool(
      window: SlidingWindow(
        vertical: SlidingWindow.Axis(kernel: shape[1]),
        horizontal: SlidingWindow.Axis(kernel: shape[2])))
  }
}

extension Value {
  /// Records the largest element over all rows and columns, `[N, H, W, C]` to `[N, C]`.
  public func globalMaxPool() -> Value { applying(GlobalMaxPool()) }
}
