/// Frames around the parts of a picture that a map points at, each with its share of the positive
/// attribution.
struct RegionFrames {
  /// What the frames are, for readers.
  static let note =
    "Frames: the strongest regions, with their shares of the positive attribution."

  private let regions: [PictureRegion]

  init(_ regions: [PictureRegion]) { self.regions = regions }

  /// Adds the frames over a picture, white with a dark rim that shows on light ground.
  func draw(
    on sheet: inout Sheet, x: Double, y: Double, width: Double, height: Double, thickness: Double,
    size: Double
  ) {
    for region in regions.reversed() {
      let (left, top) = (x + region.area.x * width, y + region.area.y * height)
      let (right, bottom) = (left + region.area.width * width, top + region.area.height * height)
      let lines = [
        ((left, top), (right, top)), ((right, top), (right, bottom)),
        ((right, bottom), (left, bottom)), ((left, bottom), (left, top)),
      ].map { (from: (x: $0.0, y: $0.1), to: (x: $1.0, y: $1.1)) }
      sheet.add { canvas in
        canvas.lines(lines, color: Sheet.ink, thickness: 2.2 * thickness)
        canvas.lines(lines, color: .white, thickness: thickness)
      }
      let text = Self.text(region)
      let room = sheet.width(of: text, size: size) + 0.6 * size
      // Inside of the picture, also where the region lies at its right edge.
      let (at, base) = (max(min(left, x + width - room), x), top)
      sheet.add { canvas in
        canvas.fill(x: at, y: base, width: room, height: 1.35 * size, color: Sheet.ink)
        canvas.write(text, x: at + 0.3 * size, y: base + 1.02 * size, size: size, color: .white)
      }
    }
  }

  /// The frames as elements of an SVG picture of the given extents.
  func elements(width: Int, height: Int) -> String {
    func number(_ value: Double, _ extent: Int) -> String {
      "\((value * Double(extent) * 100).rounded() / 100)"
    }
    return regions.reversed().map { region in
      let area = region.area
      let (x, y) = (number(area.x, width), number(area.y, height))
      let rectangle =
        "<rect x=\"\(x)\" y=\"\(y)\" width=\"\(number(area.width, width))\" "
        + "height=\"\(number(area.height, height))\" class="
      return rectangle + "\"rim\"/>" + rectangle + "\"line\"/>"
        + "<text x=\"\(x)\" y=\"\(y)\" dx=\"4\" dy=\"13\">\(Self.text(region))</text>"
    }.joined()
  }

  private static func text(_ region: PictureRegion) -> String {
    "\(Int((100 * region.share).rounded())) %"
  }
}
