internal import PrismAutodiff
internal import PrismKernels

/// What happens to an operation's input while it is read; locations are values at first and places
/// in the end.
enum Head<Location: Sendable>: Sendable {
  case none
  /// A batch normalisation as a factor and a summand a channel, and whether a ReLU follows.
  case affine(scale: FloatBlock, shift: FloatBlock, relu: Bool)
  /// One factor a channel: a squeeze-and-excitation gate.
  case gate(Location)

  /// Whether nothing happens.
  var isNone: Bool { if case .none = self { true } else { false } }

  /// The value with the factors, where there is one.
  var gate: Location? { if case .gate(let gate) = self { gate } else { nil } }

  /// The same with other locations.
  func map<Other>(_ transform: (Location) -> Other) -> Head<Other> {
    switch self {
    case .none: .none
    case .affine(let scale, let shift, let relu): .affine(scale: scale, shift: shift, relu: relu)
    case .gate(let location): .gate(transform(location))
    }
  }
}

extension Head {
  /// A batch normalisation with constant statistics, and whether a ReLU follows.
  static func normalization(_ affine: ChannelAffine, relu: Bool) -> Head {
    .affine(
      scale: FloatBlock(rounding: affine.scale), shift: FloatBlock(rounding: affine.shift),
      relu: relu)
  }
}

/// The element-wise end of an operation; locations are values at first and places in the end.
struct Tail<Location: Sendable>: Sendable {
  /// A function applied to the sum.
  var activation = ElementwiseFunction.identity
  /// A value that is added, before or after the function.
  var residual: Location?
  var addsAfterFunction = false

  /// The same with other locations.
  func map<Other>(_ transform: (Location) -> Other) -> Tail<Other> {
    Tail<Other>(
      activation: activation, residual: residual.map(transform),
      addsAfterFunction: addsAfterFunction)
  }
}

/// A function that kernels apply while they store.
enum ElementwiseFunction: Sendable {
  case identity, relu, relu6, silu, sigmoid, hardSigmoid, hardSwish, gelu, geluTanh

  /// The function of a primitive, where it is one.
  init?(_ primitive: any Primitive) {
    switch primitive {
    case is ReLU: self = .relu
    case is ReLU6: self = .relu6
    case is SiLU: self = .silu
    case is Sigmoid: self = .sigmoid
    case is HardSwish: self = .hardSwish
    case let it as HardSigmoid where it.slope == 1 / 6 && it.offset == 0.5: self = .hardSigmoid
    case let it as GELU: self = it.approximation == .none ? .gelu : .geluTanh
    default: return nil
    }
  }

  /// What a kernel is told.
  var epilogue: Epilogue {
    switch self {
    case .identity: .none
    case .relu: .relu
    case .relu6: .relu6
    case .silu: .silu
    case .sigmoid: .sigmoid
    case .hardSigmoid: .hardSigmoid
    case .hardSwish: .hardSwish
    case .gelu: .gelu
    case .geluTanh: .geluTanh
    }
  }
}
