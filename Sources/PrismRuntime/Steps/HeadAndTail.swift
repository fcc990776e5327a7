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
  /// The factors of a batch normalisation alone.
  static func factors(_ affine: ChannelAffine) -> Head {
    .affine(
      scale: FloatBlock(rounding: affine.scale),
      shift: FloatBlock(rounding: affine.scale.map { _ in 0 }), relu: false)
  }

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
  /// The walk back through a function, in its place.
  var gate: TailGate<Location>?
  /// Where the bits of a rectifier's activity are written.
  var activity: Location?

  /// Whether the function and the gate do nothing.
  var isLinear: Bool {
    if case .identity = activation { gate == nil } else { false }
  }

  /// The values that are read.
  var operands: [Location] { [residual, gate?.values].compactMap { $0 } }

  /// The same with other locations.
  func map<Other>(_ transform: (Location) -> Other) -> Tail<Other> {
    Tail<Other>(
      activation: activation, residual: residual.map(transform),
      addsAfterFunction: addsAfterFunction, gate: gate?.map(transform),
      activity: activity.map(transform))
  }
}

/// What cotangents are multiplied by on the walk back through an activation; locations are values
/// at first and places in the end.
struct TailGate<Location: Sendable>: Sendable {
  /// What was kept of the forward pass.
  var values: Location
  /// The derivative of the activation at it.
  var slope: Slope
  /// Whether nothing passes where the cotangent is not positive.
  var isGuided = false
  /// A factor and a summand a channel, through which the values pass first.
  var affine: (scale: FloatBlock, shift: FloatBlock)?

  /// The same with another location.
  func map<Other>(_ transform: (Location) -> Other) -> TailGate<Other> {
    TailGate<Other>(
      values: transform(values), slope: slope, isGuided: isGuided, affine: affine)
  }
}

extension Slope {
  /// That of an activation at what its pullback reads, where there is one.
  init?(_ primitive: any Primitive) {
    switch primitive {
    case is ReLU: self = .positive
    case is ReLU6: self = .inside
    case is SiLU: self = .silu
    case is Sigmoid: self = .sigmoid
    case is HardSwish: self = .hardSwish
    case let it as HardSigmoid where it.slope == 1 / 6 && it.offset == 0.5: self = .hardSigmoid
    case let it as GELU where it.approximation == .none: self = .gelu
    default: return nil
    }
  }
}

/// A function that kernels apply while they store.
enum ElementwiseFunction: Sendable {
  case identity, relu, relu6, silu, sigmoid, hardSigmoid, hardSwish, gelu, geluTanh
  case clip(low: Float, high: Float)

  /// The function of a primitive, where it is one.
  init?(_ primitive: any Primitive) {
    switch primitive {
    case is ReLU: self = .relu
    case is ReLU6: self = .relu6
    case is SiLU: self = .silu
    case is Sigmoid: self = .sigmoid
    case is HardSwish: self = .hardSwish
    case let it as HardSigmoid where it.slope == 1 / 6 && it.offset == 0.5: self = .hardSigmoid
    case let it as Clip: self = .clip(low: it.low, high: it.high)
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
    case .clip(let low, let high): Epilogue(low: low, high: high)
    }
  }
}
