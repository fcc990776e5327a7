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
  /// How the map is laid over the picture.
  public var overlay: Overlay

  /// Makes a figure.
  ///
  /// - Precondition: The map has two axes.
  public init(
    image: Image, map: Tensor, label: String, probability: Double? = nil, method: String,
    details: [String] = [], notes: [String] = [], overlay: Overlay = Overlay()
  ) {
    precondition(map.shape.rank == 2, "a map of \(map.shape) cannot be drawn")
    self.image = image
    self.map = map
    self.label = label
    self.probability = probability
    self.method = method
    self.details = details
    self.notes = notes
    self.overlay = overlay
  }

  /// The figure as pixels.
  ///
  /// A large picture keeps its own size, up to 24000 pixels a side; a small one is enlarged by a whole factor until
  /// it can be looked at. Text grows with the picture.
  ///
  /// - Throws: `ImageError.noMemory`.
  public func rendered() throws(ImageError) -> Image {
    let layout = try FigureLayout(self)
    let canvas = try Canvas(width: layout.width, height: layout.height)
    draw(layout, on: canvas)
    return try canvas.image()
  }

  /// Renders the figure and writes it as a PNG file, which appears whole or not at all.
  ///
  /// - Throws: `ImageError.cannotWrite`.
  public func write(to path: String) throws(ImageError) {
    try rendered().write(to: path)
  }

  private func draw(_ layout: FigureLayout, on canvas: Canvas) {
    let ink = RGB(0x1B, 0x1F, 0x24)
    let grey = RGB(0x57, 0x60, 0x6A)
    let hairline = RGB(0xB4, 0xBA, 0xC2)
    for line in layout.text {
      canvas.write(
        line.text, x: line.x, y: line.y, size: line.size, typeface: line.typeface,
        color: line.isStrong ? ink : grey)
    }

    let area = layout.picture
    let shown = overlay.draw(map, over: layout.sized(image))
    canvas.draw(shown, x: area.x, y: area.y, width: area.width, height: area.height)
    canvas.frame(
      x: area.x, y: area.y, width: area.width, height: area.height, color: hairline,
      thickness: layout.hairline)

    guard let bar = layout.bar else { return }
    let colors = overlay.colorMap(for: bar.range).colors
    let strip = bar.isVertical ? colors.reversed() : colors
    canvas.draw(
      Image(
        width: bar.isVertical ? 1 : 256, height: bar.isVertical ? 256 : 1,
        pixels: strip.flatMap { [$0.red, $0.green, $0.blue] }),
      x: bar.area.x, y: bar.area.y, width: bar.area.width, height: bar.area.height)
    canvas.frame(
      x: bar.area.x, y: bar.area.y, width: bar.area.width, height: bar.area.height,
      color: hairline, thickness: layout.hairline)
    for tick in bar.ticks {
      canvas.line(from: tick.start, to: tick.end, color: grey, thickness: layout.hairline)
      canvas.write(tick.label, x: tick.x, y: tick.y, size: bar.size, color: ink)
    }
    if !bar.factor.isEmpty {
      canvas.write(bar.factor, x: bar.factorAt.x, y: bar.factorAt.y, size: bar.size, color: grey)
    }
  }
}
