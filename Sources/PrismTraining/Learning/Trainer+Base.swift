internal import PrismCard
internal import PrismModels
internal import PrismTensor
internal import PrismWeights
internal import Synchronization

extension Trainer {
  /// The base's tensors with those of a new head.
  static func build(
    _ card: ModelCard, base: SafetensorsFile, seed: UInt64
  ) throws -> (Network, [String: Tensor]) {
    let heads = card.head.compactMap { layer -> String? in
      switch layer {
      case .dense(let name, _, _), .batchNorm(let name, _): name + "."
      default: nil
      }
    }
    let made = Mutex<(tensors: [String: Tensor], missing: [String], failure: (any Error)?)>(
      ([:], [], nil))
    let network = try WeightReader.bind(making: { name, shape in
      var tensor = Tensor([])
      if heads.contains(where: { name.hasPrefix($0) }) {
        tensor = initial(name, shape, seed: seed)
      } else if base.entry(name)?.shape == shape {
        do {
          tensor = try base.tensor(name)
        } catch {
          made.withLock { $0.failure = $0.failure ?? error }
          tensor = Tensor(shape)
        }
      } else {
        made.withLock { $0.missing.append(name) }
        tensor = Tensor(shape)
      }
      made.withLock { $0.tensors[name] = tensor }
      return tensor
    }) { reader in try Network(card, reader) }
    return try made.withLock { made in
      if let failure = made.failure { throw failure }
      guard made.missing.isEmpty else {
        throw WeightError.mismatch(file: base.path, WeightMismatch(missing: made.missing))
      }
      return (network, made.tensors)
    }
  }

  /// The tensor of a new layer: even between ±√(6 / (inputs + outputs)) (Glorot and Bengio, AISTATS 2010) for
  /// weights, one for scales and variances, zero for the rest.
  private static func initial(_ name: String, _ shape: Shape, seed: UInt64) -> Tensor {
    guard shape.rank > 1 else {
      let isOne = name.hasSuffix(".weight") || name.hasSuffix(".running_var")
      return Tensor(shape, repeating: isOne ? 1 : 0)
    }
    let random = CounterRandom(name: "\(seed)/\(name)")
    let bound = (6 / Double(shape[0] + shape[1])).squareRoot()
    return Tensor(uninitialized: shape) { target in
      for i in 0..<shape.count { target[i] = Float((2 * random.uniform(i) - 1) * bound) }
    }
  }
}
