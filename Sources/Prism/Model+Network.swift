internal import PrismAutodiff
internal import PrismTensor

extension Model {
  /// Makes a model of a network of one's own.
  ///
  /// - Parameters:
  ///   - network: A recording from `[1, H, W, 3]` to `[1, K]`, one output a label.
  ///   - card: Says what the outputs mean and how a picture becomes the input; see
  ///     `ModelCard.init(custom:labels:output:input:layer:)`.
  /// - Throws: ``ModelError`` where the card does not fit the network; `CardError`, `WeightError`.
  public init(network: Recording, card: ModelCard) throws {
    try card.validate(file: card.name)
    var writer = SafetensorsWriter(card: card)
    for (id, name) in network.parameterNames {
      if let tensor = network.parameter(id) { writer.add(name, tensor) }
    }
    // The tensors are those of the file in memory, so that there is one copy of them.
    try self.init(
      SafetensorsFile(MappedFile(copying: writer.bytes(), path: card.name)), network: network)
  }

  /// Makes a model of a network that has been trained.
  ///
  /// A network with one logit and a card with two labels, of `binary` output, go together: the logit is that of the
  /// second label, and that of the first is its opposite.
  ///
  /// - Parameters:
  ///   - network: Takes `[1, H, W, 3]`.
  ///   - card: Says what the outputs mean and how a picture becomes the input.
  /// - Throws: As ``init(network:card:)-(Recording,_)``.
  public init(network: TrainableNetwork, card: ModelCard) throws {
    try self.init(network: Self.recording(of: network, card), card: card)
  }

  /// Opens the weights file of a network of one's own, as ``write(to:)`` writes it.
  ///
  /// - Parameters:
  ///   - path: The weights file.
  ///   - network: What the tensors belong to; its own are not used.
  /// - Throws: `WeightError` where the file is damaged or its tensors are not those of the network; ``ModelError``.
  public init(contentsOf path: String, network: Recording) throws {
    try self.init(SafetensorsFile(contentsOf: path), network: network)
  }

  /// Opens the weights file of a network of one's own, as ``write(to:)`` writes it.
  ///
  /// - Parameters:
  ///   - path: The weights file.
  ///   - network: What the tensors belong to; its own are not used.
  /// - Throws: As ``init(contentsOf:network:)-(_,Recording)``.
  public init(contentsOf path: String, network: TrainableNetwork) throws {
    let file = try SafetensorsFile(contentsOf: path)
    try self.init(file, network: Self.recording(of: network, file.card()))
  }

  /// Writes the weights file.
  ///
  /// - Parameter path: The path of the file, which appears whole or not at all.
  /// - Throws: `FileError`.
  public func write(to path: String) throws {
    let bytes = unsafe file.mapping.withUnsafeBytes { unsafe Array($0) }
    try AtomicFile.write(bytes, to: path)
  }

  private init(_ file: SafetensorsFile, network: Recording) throws {
    let names = network.parameterNames
    let tensors = try WeightReader.bind(file) { reader in
      var tensors: [String: Tensor] = [:]
      for (id, name) in names { tensors[name] = try reader.take(name, network[id].shape) }
      return tensors
    }
    try self.init(network.replacing(tensors), card: file.card(), file: file)
  }

  private static func recording(of network: TrainableNetwork, _ card: ModelCard) throws -> Recording
  {
    guard case .binary = card.output else { return try network.record() }
    return try network.record { logits in
      guard logits.shape == [1, 1] else { return logits }
      return logits * logits.parameter(Tensor([1, 2], [-1, 1]), named: "sides")
    }
  }
}
