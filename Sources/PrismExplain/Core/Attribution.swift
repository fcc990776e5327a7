public import PrismTensor

/// How much every position of an image contributes to one of a model's numbers.
public struct Attribution: Sendable, Equatable, Codable {
  /// The index of the explained logit.
  public package(set) var target: Int
  /// The number that is explained: the logit, or a probability made of it.
  public let output: ExplainedOutput
  /// The raw attribution, `[H, W]` at the model's input size: not normalised, signed where the
  /// method is.
  public let values: Tensor
  /// The number of forward passes that were spent.
  public let evaluations: Int
  /// `f(image) − f(baseline) − Σ values` (``sum``) for methods that promise completeness, else
  /// `nil`.
  public let completenessGap: Double?
  /// `f(baseline)` for methods that explain the difference to it, else `nil`.
  public let baseValue: Double?
  /// `f(image)`, in the unit of ``output``, for methods that evaluate it, else `nil`.
  ///
  /// Where a method has a ``baseValue`` and promises completeness, base value plus sum plus gap is
  /// this number.
  public let explainedValue: Double?
  /// How well the method's own model fits the network (R², weighted), for methods that fit one.
  public let score: Double?
  /// The standard error of `values` over the method's random choices, `[H, W]`, for methods that
  /// draw at random.
  public let standardError: Tensor?
  /// The attribution of every segment, for methods that work on segments.
  public let segments: SegmentAttribution?
  /// The name of the value that was looked at, for methods that look at one.
  public let layer: String?
  /// What a reader of the map should know, such as why it is blank.
  public package(set) var diagnostics: [String]

  /// Σ values, of segments each counted once, for methods that promise completeness, else `nil`.
  public var sum: Double? {
    guard completenessGap != nil else { return nil }
    return segments.map { $0.values.reduce(0, +) } ?? values.sum
  }

  /// How the note on a map without any contribution begins.
  static let blankMap = "blank map"

  /// Makes an attribution.
  ///
  /// A map that is zero everywhere is told in ``diagnostics``.
  public init(
    target: Int, output: ExplainedOutput = .logit, values: Tensor, evaluations: Int,
    completenessGap: Double? = nil, baseValue: Double? = nil, explainedValue: Double? = nil,
    score: Double? = nil, standardError: Tensor? = nil, segments: SegmentAttribution? = nil,
    layer: String? = nil, diagnostics: [String] = []
  ) {
    self.target = target
    self.output = output
    self.values = values
    self.evaluations = evaluations
    self.completenessGap = completenessGap
    self.baseValue = baseValue
    self.explainedValue = explainedValue
    self.score = score
    self.standardError = standardError
    self.segments = segments
    self.layer = layer
    let isBlank = values.minimum == 0 && values.maximum == 0
    let isSaid = diagnostics.contains { $0.hasPrefix(Self.blankMap) }
    self.diagnostics =
      diagnostics + (isBlank && !isSaid ? [Self.blankMap + ": every value is zero"] : [])
  }
}
