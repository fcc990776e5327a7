extension ExplanationMethod {
  /// Which samples methods draw that can make more of them than their papers do.
  public enum Draws: String, Sendable, CaseIterable, Codable {
    /// Those that tell the most.
    case sparing
    /// Those of the method's paper and its authors' program, as many as there.
    case published
  }

  /// What users choose; a choice that a method does not have, see ``choices``, does not matter to
  /// it.
  public struct Settings: Sendable, Equatable, Codable {
    /// The layer that is looked at; `nil` for the model's default.
    public var layer: String?
    /// How often the model may be evaluated; `nil` for the method's default.
    public var samples: Int?
    /// The seed of the draws.
    public var seed: UInt64
    /// How the image is divided; `nil` for the method's default.
    public var segmenter: Segmenter?
    /// What stands for the absence of a part, or of the whole image; `nil` for the method's
    /// default.
    public var masker: Masker?
    /// When to stop before all samples are drawn.
    public var stopping: StoppingRule?
    /// The number that is explained; `nil` for the method's default.
    public var output: ExplainedOutput?
    /// Which rules relevance is shared out by; `nil` for the method's default.
    public var composite: LRP.Composite?
    /// Which samples are drawn; `nil` for the method's default.
    public var draws: Draws?

    /// Makes settings; those left out are the methods' defaults.
    public init(
      layer: String? = nil, samples: Int? = nil, seed: UInt64 = 0, segmenter: Segmenter? = nil,
      masker: Masker? = nil, stopping: StoppingRule? = nil, output: ExplainedOutput? = nil,
      composite: LRP.Composite? = nil, draws: Draws? = nil
    ) {
      self.layer = layer
      self.samples = samples
      self.seed = seed
      self.segmenter = segmenter
      self.masker = masker
      self.stopping = stopping
      self.output = output
      self.composite = composite
      self.draws = draws
    }
  }
}
