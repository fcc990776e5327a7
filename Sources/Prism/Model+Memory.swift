internal import PrismRuntime

extension Model {
  /// An estimate of the bytes in which the model computes for a request, beside its weights.
  ///
  /// - Parameters:
  ///   - methods: The methods that explain; none for a prediction.
  ///   - layer: The layer that is looked at; `nil` for the model's default.
  ///   - batch: The most pictures that are computed at a time.
  /// - Returns: The memory of the plan with a full batch and, where gradients are taken, that of
  ///   the values that they walk back through, one picture a thread.
  /// - Throws: `InstructionSetError` where the environment demands an instruction set that is not
  ///   there.
  public func memory(
    for methods: [ExplanationMethod] = [], layer: String? = nil, batch: Int? = nil
  ) throws -> Int {
    let workspace = try classifier.workspaceSize(images: batch ?? .max)
    let traces = methods.map { method in
      let needs = method.explainer().facts.needs
      guard needs.contains(.gradients) else { return 0 }
      let pictures = method.choices.contains(.samples) ? Threads.count : 1
      return pictures
        * classifier.traceSize(
          from: needs.contains(.layer) ? layer ?? classifier.defaultLayer : nil)
    }
    return workspace + (traces.max() ?? 0)
  }

  /// The bytes of weights that the model holds ready, packed as kernels want them.
  ///
  /// They come with the first predictions and explanations, stay as long as the model does, and are
  /// beside its file, which is mapped.
  public var warmByteCount: Int { classifier.warmByteCount }

  /// How many inputs are best worked on at a time, each on a thread of its own.
  ///
  /// Where an input is decoded, computed and drawn in a few milliseconds, dividing each of these
  /// among threads leaves them waiting for each other; several inputs beside each other do not.
  ///
  /// - Parameters:
  ///   - methods: The methods that explain; none for a prediction.
  ///   - layer: The layer that is looked at; `nil` for the model's default.
  ///   - limits: What the requests may take together.
  /// - Returns: The number of threads, or fewer where the memory would not do.
  /// - Throws: What ``memory(for:layer:batch:)`` throws.
  package func abreast(
    for methods: [ExplanationMethod] = [], layer: String? = nil, limits: Limits = .current
  ) throws -> Int {
    // One picture at a time in each.
    let bytes = try memory(for: methods, layer: layer, batch: 1)
    return min(Threads.count, max(1, limits[.memory] / max(bytes, 1)))
  }

  /// Refuses a request for which the memory would not do.
  ///
  /// - Parameters:
  ///   - methods: The methods that explain; none for a prediction.
  ///   - layer: The layer that is looked at; `nil` for the model's default.
  ///   - batch: The most pictures that are computed at a time.
  ///   - limits: What a request may take.
  /// - Throws: `LimitError`; what ``memory(for:layer:batch:)`` throws.
  public func checkMemory(
    for methods: [ExplanationMethod] = [], layer: String? = nil, batch: Int? = nil,
    limits: Limits = .current
  ) throws {
    try limits.check(
      memory(for: methods, layer: layer, batch: batch), .memory, of: "\(card.name): the request")
  }
}
