public import PrismTensor

/// The weights of the parity fixtures, made from their names as `Tools/fixtures/generator.py` makes
/// them.
public enum GeneratedWeights {
  /// The tensor with a name.
  ///
  /// - Parameters:
  ///   - name: The tensor's name; the end of it decides the kind of numbers.
  ///   - shape: In torch's layout; `[N, H, W, C]` for `input`.
  ///   - damped: The names of scales that end a residual branch.
  /// - Returns: The tensor.
  public static func tensor(_ name: String, _ shape: Shape, damped: Set<String> = []) -> Tensor {
    let random = CounterRandom(name: name)
    let fan = Double(shape.count / max(shape.rank > 0 ? shape[0] : 1, 1))
    let bound = (6 / fan).squareRoot()
    let damping = damped.contains(name) ? 0.125 : 1
    let value: (Double) -> Double
    if name == "input" {
      value = { ($0 * 255).rounded(.down) }
    } else if name.hasSuffix(".running_mean") {
      value = { (2 * $0 - 1) * 0.2 }
    } else if name.hasSuffix(".running_var") {
      value = { 0.5 + $0 }
    } else if name.hasSuffix(".bias") {
      value = { (2 * $0 - 1) * 0.1 }
    } else if shape.rank == 1 {
      value = { (0.5 + $0) * damping }
    } else {
      value = { (2 * $0 - 1) * bound }
    }
    return Tensor(uninitialized: shape) { target in
      for i in 0..<shape.count { target[i] = Float(value(random.uniform(i))) }
    }
  }
}
