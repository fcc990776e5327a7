internal import PrismAutodiff
internal import PrismCard
internal import PrismFiles
internal import PrismModels

extension Trainer {
  /// The names of the head's parameters that gradients move.
  var headNames: Set<String> {
    Set(startingTensors.keys.filter { $0.hasPrefix("classifier.") && !isStatistic($0) })
  }

  /// The names of the parameters that are trained in a phase.
  func trainedNames(_ phase: EpochRecord.Phase) throws -> Set<String> {
    guard phase == .fineTuning else { return headNames }
    let recording = try network.recordBase()
    let layers = recording.ids.filter { id in
      let primitive = recording.primitive(of: id)
      return primitive is Convolution || primitive is DepthwiseConvolution
    }
    var names = headNames
    let first: Int
    switch options.fineTuning {
    case .none: return names
    case .layer(let name):
      first = try Self.firstIndex(of: name, network, card)
      let layer = card.layers.aliases[name] ?? name
      names.formUnion(startingTensors.keys.filter { $0.hasPrefix("\(layer).") && !isStatistic($0) })
    case .share(let share):
      let count = min(layers.count, max(0, Int((share * Double(layers.count)).rounded(.up))))
      guard count > 0 else { return names }
      first = layers[layers.count - count].index
    }
    let parameterNames = recording.parameterNames
    for id in recording.ids where id.index >= first {
      for operand in recording.operands(of: id) {
        if let name = parameterNames[operand], !isStatistic(name) { names.insert(name) }
      }
    }
    return names
  }

  private func isStatistic(_ name: String) -> Bool {
    name.hasSuffix(".running_mean") || name.hasSuffix(".running_var")
  }

  /// The place of a named layer in the recording of the base.
  static func firstIndex(
    of name: String, _ network: Network, _ card: ModelCard
  ) throws -> Int {
    let recording = try network.recordBase()
    guard let id = recording.value(named: card.layers.aliases[name] ?? name),
      !recording.isParameter(id)
    else {
      let known = recording.names.filter { !recording.isParameter($0.value) }.map(\.name)
      throw TrainingError.noLayer(
        name, nearest: Text.nearest(to: name, among: known + card.layers.aliases.keys))
    }
    return id.index
  }
}
