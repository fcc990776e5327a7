public import PrismAutodiff
public import PrismCard
internal import PrismWeights

/// A function that is applied to every element, or to every row for softmax.
public typealias Activation = ModelCard.Activation

extension Activation {
  /// Records the function.
  public func callAsFunction(_ x: Value) -> Value {
    switch self {
    case .linear: x
    case .relu: x.relu()
    case .relu6: x.relu6()
    case .silu: x.silu()
    case .sigmoid: x.sigmoid()
    case .tanh: x.tanh()
    case .softmax: x.softmax()
    case .hardSigmoid: x.hardSigmoid()
    case .hardSwish: x.hardSwish()
    case .gelu: x.gelu()
    case .geluTanh: x.gelu(approximation: .tanh)
    case .elu: x.elu()
    case .leakyReLU: x.leakyReLU()
    }
  }
}
