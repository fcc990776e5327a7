internal import PrismAutodiff
internal import PrismRuntime

extension Model {
  /// A value of the network that can be read and differentiated by name.
  public struct Layer: Sendable, Equatable {
    /// The value's name.
    public let name: String
    /// The value's shape for one input, `[1, H, W, C]` where it is a map.
    public let shape: Shape
    /// Whether the CAM family explains this value unless told otherwise.
    public let isDefault: Bool
    /// Other names of the value, such as Keras'.
    public let aliases: [String]
  }

  /// Every named value in the order of computation, without the weights.
  public var layers: [Layer] {
    let names = Dictionary(grouping: card.layers.aliases.keys.sorted()) {
      card.layers.aliases[$0] ?? ""
    }
    return classifier.recording.names.compactMap { name in
      let entry = classifier.recording[name.value]
      if case .parameter = entry.origin { return nil }
      return Layer(
        name: name.name, shape: entry.shape, isDefault: name.name == card.layers.default,
        aliases: names[name.name] ?? [])
    }
  }

  /// The names of all layers, aliases among them.
  var layerNames: [String] {
    layers.flatMap { [$0.name] + $0.aliases }
  }

  /// Runs a closure that may meet names of layers, and says which name is nearest to one that does not exist.
  func namingLayers<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as UnknownValueError {
      throw ModelError.unknownLayer(
        error.name, nearest: Text.nearest(to: error.name, among: layerNames))
    }
  }
}
