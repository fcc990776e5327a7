public import PrismExplain
public import PrismMedia
public import PrismTensor

/// Why a model gave one label its number: a map over the input, with the facts of how it was made.
public struct Explanation: Sendable, Equatable, Codable {
  /// The method's name, such as `gradcam`.
  public let method: String
  /// The method's name as it is written in texts, such as `Grad-CAM`.
  public let title: String
  /// The explained label.
  public let target: Prediction.Entry
  /// The raw map `[H, W]` at the model's input size, and what the method reports about it.
  public let attribution: Attribution
  /// The values of the method's parameters; the layer is the one that was looked at.
  public let parameters: [MethodParameter]
  /// Whether the map's values are in the unit of what is explained, as the method's facts have it.
  public let isInUnit: Bool
  /// How long it took, in seconds; the labels that are explained in one pass share it.
  public let seconds: Double
  /// How the model cuts the centre out of pictures; `nil` where the map is about whole pictures.
  public let crop: CentreCrop?

  /// The number of the model that the map is about, whatever its own values are in: `logit`, or
  /// `logit difference` of a contrast, or `probability`.
  public var unit: String {
    let output = parameters.first { $0.name == "output" }?.value
    guard output == nil || output == .text("logit") else { return "probability" }
    return target.contrast == nil ? "logit" : "logit difference"
  }

  /// The unit of the map's values: what is explained, or nothing for a method without unit.
  public var mapUnit: String { isInUnit ? unit : "" }

  /// The raw map, `[H, W]` at the model's input size.
  public var values: Tensor { attribution.values }

  /// The map drawn over a picture, with a colour bar and a caption.
  ///
  /// - Parameters:
  ///   - image: The explained picture, at its own size.
  ///   - colorMap: Colours of the map's values; `nil` for one that suits the map's signs.
  ///   - title: What stands above all, such as the name of the picture's file.
  ///   - outline: A region whose border is drawn, not zero inside, `[H, W]` of any size, of what
  ///     the model sees.
  ///   - regions: Parts of the picture that are framed, such as ``regions(in:)``.
  ///   - notes: What a reader has to know besides what the method reports.
  /// - Returns: A picture that is larger than `image` by the caption and the colour bar.
  /// - Throws: `ImageError.noMemory`.
  public func overlay(
    on image: Image, colorMap: ColorMap? = nil, title: String = "",
    outline: Tensor? = nil, regions: [PictureRegion] = [], notes: [String] = []
  ) throws(ImageError) -> Image {
    try Figure(
      image: image, map: values, label: target.label, probability: target.probability,
      method: self.title, details: attribution.layer.map { ["layer \($0)"] } ?? [],
      notes: attribution.diagnostics + notes, title: title, unit: mapUnit, outline: outline,
      area: area(of: image), regions: regions, overlay: Overlay(colorMap: colorMap)
    ).rendered()
  }
}
