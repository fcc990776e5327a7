internal import Prism

/// An input as people see it: a picture's colours at the network's size, or a spectrogram with low
/// frequencies at the bottom.
struct ShownInput {
  /// The whole of it.
  let picture: Image
  private let rule: AudioPreparation?
  private let height, width: Int

  /// - Parameters:
  ///   - image: As the network takes it; grey where nobody knows its colours.
  ///   - model: Says what is heard.
  /// - Throws: `SpectrogramError`, `ImageError`.
  init(_ image: ExplainedImage, for model: Model) throws {
    let rule = try model.card.input.audio.map(AudioPreparation.init)
    let (height, width) = (image.input.shape[1], image.input.shape[2])
    (self.rule, self.height, self.width) = (rule, height, width)
    guard let pixels = image.pixels, pixels.shape == [height, width, 3] else {
      picture = Image(width: width, height: height, filledWith: RGB(128, 128, 128))
      return
    }
    let (values, shape) = (pixels.scalars, Shape([height, width]))
    let planes = (0..<3).map { c in
      let plane = Tensor(shape, (0..<shape.count).map { values[$0 * 3 + c] })
      return rule?.upright(plane) ?? plane
    }
    let colors = planes.map(\.scalars)
    let levels = (0..<shape.count).flatMap { p in
      colors.map { UInt8(min(max($0[p].rounded(), 0), 255)) }
    }
    picture = try Image(
      width: planes[0].shape[1], height: planes[0].shape[0], pixels: levels)
  }

  /// A part of it.
  func part(_ box: PixelBox) -> Image {
    let map = Tensor(
      [height, width],
      (0..<height * width).map {
        box.rows.contains($0 / width) && box.columns.contains($0 % width) ? 1 : 0
      })
    let shown = rule?.upright(map) ?? map
    let isInside = shown.scalars
    let inside = isInside.indices.filter { isInside[$0] == 1 }
    let rows = inside.map { $0 / shown.shape[1] }
    let columns = inside.map { $0 % shown.shape[1] }
    guard let top = rows.min(), let bottom = rows.max(), let left = columns.min(),
      let right = columns.max()
    else { return picture }
    return picture.cropped(
      x: left, y: top, width: right - left + 1, height: bottom - top + 1) ?? picture
  }

  /// A map over it.
  ///
  /// - Throws: `ImageError`.
  func overlaid(_ map: Tensor, range: MapRange? = nil) throws -> Image {
    try Overlay(range: range).draw(rule?.upright(map) ?? map, over: picture)
  }
}
