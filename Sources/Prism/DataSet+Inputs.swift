extension DataSet.Split {
  /// The network's inputs for all samples.
  ///
  /// They are in memory at once; a long split is better trained on by ``Trainer``, which reads
  /// ahead.
  ///
  /// - Parameter input: What the network is given.
  /// - Returns: Each `[1, H, W, 3]`, in the order of the samples.
  /// - Throws: `ImageError`, `SoundError` where a file cannot be used.
  public func inputs(for input: ModelCard.Input) throws -> [Tensor] {
    let loader = try InputLoader(input: input)
    return try samples.map { try loader.load($0.path) }
  }

  /// What is true of all samples, in their order.
  public var truths: [DataSet.Truth] { samples.map(\.truth) }
}
