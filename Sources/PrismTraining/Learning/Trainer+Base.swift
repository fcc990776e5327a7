internal import PrismCard
internal import PrismLayers
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
      case .dense(let name, _, _), .batchNorm(let name, _), .layerNorm(let name, _): name + "."
      default: nil
      }
    }
    let made = Mutex<(tensors: [String: Tensor], missing: [String], failure: (any Error)?)>(
      ([:], [], nil))
    let network = try WeightReader.bind(
      shapes: { base.entry($0)?.shape },
      making: { name, shape in
        var tensor = Tensor([])
        if heads.contains(where: { name.hasPrefix($0) }) {
          tensor = Initialization.tensor(name, shape, seed: seed)
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
      }
    ) { reader in try Network(card, reader) }
    return try made.withLock { made in
      if let failure = made.failure { throw failure }
      guard made.missing.isEmpty else {
        throw WeightError.mismatch(file: base.path, WeightMismatch(missing: made.missing))
      }
      return (network, made.tensors)
    }
  }
}
