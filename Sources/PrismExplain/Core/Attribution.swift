public import PrismTensor

/// How much every position of an image contributes to one logit.
public struct Attribution: Sendable {
  /// The index of the explained logit.
  public let target: Int
  /// The raw attribution, `[H, W]` at the model's input size: not normalised, signed where the method is.
  public let values: Tensor
  /// The number of forward passes that were spent.
  public let evaluations: Int
  /// `f(image) − f(baseline) − Σ values` for methods that promise completeness, else `nil`.
  public let completenessGap: Double?
  /// `f(baseline)` for methods that explain the difference to it, else `nil`.
  public let baseValue: Double?
  /// How well the method's own model fits the network (R², weighted), for methods that fit one.
  public let score: Double?
  /// The standard error of `values` over the method's random choices, `[H, W]`, for methods that draw at random.
  public let standardError: Tensor?
  /// The attribution of every segment, for methods that work on segments.
  public let segments: SegmentAttribution?
  /// The name of the value that was looked at, for methods that look at one.
  public let layer: String?
  /// What a reader of the map should know, such as why it is blank.
  public let diagnostics: [String]

  /// Makes an attribution.
  public init(
    target: Int, values: Tensor, evaluations: Int, completenessGap: Double? = nil,
    baseValue: Double? = nil, score: Double? = nil, standardError: Tensor? = nil,
    segments: SegmentAttribution? = nil, layer: String? = nil, diagnostics: [String] = []
  ) {
    self.target = target
    self.values = values
    self.evaluations = evaluations
    self.completenessGap = completenessGap
    self.baseValue = baseValue
    self.score = score
    self.standardError = standardError
    self.segments = segments
    self.layer = layer
    self.diagnostics = diagnostics
  }
}

/// How much every segment of an image contributes to one logit.
public struct SegmentAttribution: Sendable {
  /// The segments.
  public let segmentation: Segmentation
  /// One number a segment.
  public let values: [Double]
  /// The standard error of every segment's number over the method's random choices.
  public let standardErrors: [Double]

  /// Makes the attribution of segments.
  public init(segmentation: Segmentation, values: [Double], standardErrors: [Double]) {
    self.segmentation = segmentation
    self.values = values
    self.standardErrors = standardErrors
  }
}
