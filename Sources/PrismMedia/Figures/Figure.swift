public import PrismTensor

/// A picture for people: an explanation over what it explains, with a caption and a scale.
public struct Figure: Sendable {
  /// What was explained.
  public var image: Image
  /// Raw attributions, `[H, W]`.
  public var map: Tensor
  /// What the network saw, such as `Siberian husky`.
  public var label: String
  /// The probability of the label, if the network gives one.
  public var probability: Double?
  /// The method, such as `Grad-CAM`.
  public var method: String
  /// More about how the map was made, such as the model and the layer.
  public var details: [String]
  /// What a reader has to know, such as why a map is blank; each on a line of its own.
  public var notes: [String]
  /// What stands above all, such as the name of the file; its middle is left out where it is long.
  public var title: String
  /// The unit of the map's values, such as `logit`; empty where unknown.
  public var unit: String
  /// A region whose border is drawn, not zero inside, `[H, W]` of any size; `nil` for none.
  public var outline: Tensor?
  /// The part of the picture that the map is about.
  public var area: PictureArea
  /// Parts of the picture that are framed, each with its share.
  public var regions: [PictureRegion]
  /// How the map is laid over the picture.
  public var overlay: Overlay

  /// Makes a figure.
  public init(
    image: Image, map: Tensor, label: String, probability: Double? = nil, method: String,
    details: [String] = [], notes: [String] = [], title: String = "", unit: String = "",
    outline: Tensor? = nil, area: PictureArea = .whole, regions: [PictureRegion] = [],
    overlay: Overlay = Overlay()
  ) {
    self.image = image
    self.map = map
    self.label = label
    self.probability = probability
    self.method = method
    self.details = details
    self.notes = notes
    self.title = title
    self.unit = unit
    self.outline = outline
    self.area = area
    self.regions = regions
    self.overlay = overlay
  }

  /// The figure as pixels.
  ///
  /// A large picture keeps its own size, up to 24000 pixels a side; a small one is enlarged by a
  /// whole factor until it can be looked at; one that is more than ten times as long as it is wide
  /// is widened. Text grows with the picture.
  ///
  /// - Throws: `ImageError.noMemory`, `.cannotDraw` where the map has no rows and columns.
  public func rendered() throws(ImageError) -> Image {
    try FigureLayout(self).sheet.rendered()
  }

  /// Renders the figure and writes it as a PNG file, which appears whole or not at all.
  ///
  /// - Throws: `ImageError.cannotWrite`, and as ``rendered()``.
  public func write(to path: String) throws(ImageError) {
    try rendered().write(to: path)
  }
}
