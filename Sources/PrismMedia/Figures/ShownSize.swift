/// How large a picture is drawn.
///
/// Very elongated pictures are widened, so that something can be seen in them.
struct ShownSize: Equatable {
  let width: Int
  let height: Int
  /// What to tell where the picture's proportions are not kept, or `nil`.
  let note: String?

  /// The largest side in a figure of one picture; captions need a part of a canvas.
  private static let limit = 24_000
  /// The longer side over the shorter: beyond the first, pictures are drawn with the second.
  private static let (longest, shown) = (10, 8)

  /// The size in a figure of one picture: its own, or a whole multiple of it.
  init(of image: Image) {
    let (long, short) = (max(image.width, image.height), min(image.width, image.height))
    if Self.isElongated(image) {
      self.init(widening: image, side: min(max(long, 640), 1600))
    } else if long > Self.limit {
      let scale = Double(Self.limit) / Double(long)
      self.init(
        width: max(1, Int((Double(image.width) * scale).rounded())),
        height: max(1, Int((Double(image.height) * scale).rounded())), note: nil)
    } else {
      // Whole factors: until the long side has 320 pixels, and the short one 64 where that does not
      // make the long one huge.
      let factor = max(1, (319 + long) / long, min((63 + short) / short, 1600 / long))
      self.init(width: image.width * factor, height: image.height * factor, note: nil)
    }
  }

  /// The size among others, whose longer side is `side`.
  init(of image: Image, side: Double) {
    if Self.isElongated(image) {
      self.init(widening: image, side: Int(side))
      return
    }
    let scale = side / Double(max(image.width, image.height))
    self.init(
      width: max(Int((Double(image.width) * scale).rounded()), 1),
      height: max(Int((Double(image.height) * scale).rounded()), 1), note: nil)
  }

  private init(width: Int, height: Int, note: String?) {
    self.width = width
    self.height = height
    self.note = note
  }

  private init(widening image: Image, side: Int) {
    let isUpright = image.height > image.width
    let short = side / Self.shown
    self.init(
      width: isUpright ? short : side, height: isUpright ? side : short,
      note: "The picture has \(image.width)×\(image.height) pixels and is drawn "
        + (isUpright ? "wider" : "higher") + " than it is.")
  }

  private static func isElongated(_ image: Image) -> Bool {
    let (long, short) = (max(image.width, image.height), min(image.width, image.height))
    return long / Self.longest > short
  }

  /// The picture at this size.
  func sized(_ image: Image) -> Image {
    image.resized(
      width: width, height: height,
      method: width < image.width || height < image.height ? .bilinearAntialias : .nearest)
  }
}
