internal import PrismFiles
public import PrismTensor

/// The numbers at the two ends of a colour scale.
public struct MapRange: Sendable, Equatable {
  /// The number that has the first colour.
  public var lower: Float
  /// The number that has the last colour.
  public var upper: Float
  /// The number in the middle of a scale of two colours; 0 unless the map lies all on one side.
  public var centre: Float
  /// The greatest magnitude of what is shown where the range ends below it; `nil` where all numbers
  /// are within.
  public var beyond: Float?

  /// The share of a map's elements that may lie beyond the end of the range.
  static let clippedShare = 0.01

  /// Makes a range from its ends.
  public init(lower: Float, upper: Float, beyond: Float? = nil, centre: Float = 0) {
    self.lower = lower
    self.upper = upper
    self.centre = centre
    self.beyond = beyond
  }

  /// The range that shows a map: from 0 to its maximum, or as far below zero as above where it has
  /// negative values.
  ///
  /// Where a few elements stand out, as in maps of gradients, all others would be one colour: if no
  /// more than 1 % of the elements have more than two thirds of the greatest magnitude, the range
  /// ends at the magnitude that 1 % pass, and ``beyond`` tells the greatest. Where all elements lie
  /// far on one side of zero and near each other, as in maps of RISE, one would see nothing either:
  /// if their spread is at most half the greatest magnitude, the range lies around the median.
  /// `nil` for a map that is empty or has an element that is not finite. Negative values of less
  /// than a millionth of the maximum count as rounding errors.
  public init?(of map: Tensor) {
    let (least, greatest) = (map.minimum, map.maximum)
    guard least.isFinite, greatest.isFinite, map.count > 0 else { return nil }
    if least > 0 || greatest < 0, greatest > least,
      greatest - least <= max(greatest, -least) / 2
    {
      let median = map.scalars.element(atRank: map.count / 2)
      let reach = max(greatest - median, median - least)
      self.init(lower: median - reach, upper: median + reach, centre: median)
      return
    }
    let isSigned = least < 0 && -least > 1e-6 * greatest
    let reach = isSigned ? max(-least, greatest) : max(greatest, 0)
    let end = Self.end(of: map, reach: reach)
    self.init(lower: isSigned ? -end : 0, upper: end, beyond: end < reach ? reach : nil)
  }

  /// The magnitude at which the range of a map ends.
  private static func end(of map: Tensor, reach: Float) -> Float {
    let most = Int(clippedShare * Double(map.count))
    let bound = reach / 1.5
    let strong = map.withUnsafeBufferPointer { values in
      var count = 0
      for i in 0..<values.count where abs(values[i]) > bound { count += 1 }
      return count
    }
    guard strong > 0, strong <= most else { return reach }
    let end = map.scalars.map(abs).element(atRank: map.count - 1 - most)
    return end > 0 ? end : reach
  }

  /// The range that shows what either of two shows, both around 0.
  func union(_ other: MapRange) -> MapRange {
    let reach = max(upper, other.upper)
    let strongest = max(beyond ?? upper, other.beyond ?? other.upper)
    return MapRange(
      lower: isSigned || other.isSigned ? -reach : 0, upper: reach,
      beyond: strongest > reach ? strongest : nil)
  }

  /// What to tell of elements beyond the ends or of the middle, or `nil` where there is nothing.
  var note: String? {
    if centre != 0 {
      return "All values lie around \(Text.number(Double(centre))), their median; colours show how "
        + "far above or below it they are."
    }
    return beyond.map {
      "Colours end at \(Text.number(Double(upper))), which at most 1 % of the map pass, up to "
        + "\(Text.number(Double($0)))."
    }
  }

  /// Whether the range has a side on either side of its middle.
  public var isSigned: Bool { lower < centre }

  /// Whether both ends are one number, so that nothing can be shown.
  public var isFlat: Bool { !(lower < upper) }

  /// Where a number lies, from 0 at the lower end to 1 at the upper.
  func position(of value: Float) -> Float {
    // Halved, so that the difference of two large numbers of opposite signs stays finite.
    (value / 2 - lower / 2) / (upper / 2 - lower / 2)
  }
}

/// How a map is laid over a picture.
public struct Overlay: Sendable, Equatable {
  /// The colour map; `nil` takes `inferno`, or `coolwarm` where the map has negative values.
  public var colorMap: ColorMap?
  /// How much of the picture the strongest colour hides, from 0 to 1.
  public var opacity: Float
  /// The numbers at the ends of the colour scale; `nil` takes those of the map.
  public var range: MapRange?

  /// Makes a style.
  public init(colorMap: ColorMap? = nil, opacity: Float = 0.6, range: MapRange? = nil) {
    self.colorMap = colorMap
    self.opacity = opacity
    self.range = range
  }

  /// The colour map for a range.
  public func colorMap(for range: MapRange) -> ColorMap {
    colorMap ?? (range.isSigned ? .coolwarm : .inferno)
  }

  /// Lays a map over a picture, at the picture's own size.
  ///
  /// The map is enlarged bilinearly. Where it is weak the picture shows through more than where it
  /// is strong. A map that has nothing to show (not finite, or zero everywhere) leaves the picture
  /// as it is.
  ///
  /// - Parameters:
  ///   - map: Raw attributions, `[H, W]`.
  ///   - image: What was explained.
  ///   - area: The part of the picture that the map is about; what lies outside stays as it is.
  /// - Returns: The picture under the map, of the picture's size.
  /// - Throws: `ImageError.cannotDraw` where the map has no rows and columns.
  public func draw(
    _ map: Tensor, over image: Image, in area: PictureArea = .whole
  ) throws(ImageError) -> Image {
    try image.changing(area) { part throws(ImageError) in try draw(map, overAll: part) }
  }

  private func draw(_ map: Tensor, overAll image: Image) throws(ImageError) -> Image {
    try ImageError.check(map)
    guard let range = MapRange(of: map).map({ self.range ?? $0 }), !range.isFlat else {
      return image
    }
    let steps = blending(for: range)
    let enlarged = map.resizedBilinear(height: image.height, width: image.width)
    let pixels = image.pixels.withUnsafeBufferPointer { source in
      enlarged.withUnsafeBufferPointer { values in
        steps.withUnsafeBufferPointer { steps in
          [UInt8](unsafeUninitializedCapacity: source.count) { target, count in
            nonisolated(unsafe) let (source, values, steps, target) = (
              source, values, steps, target
            )
            inBands(rows: image.height, width: image.width) { band in
              for i in (band.lowerBound * image.width)..<(band.upperBound * image.width) {
                let step = steps[ColorMap.index(of: range.position(of: values[i]))]
                target[3 * i] = step.mix(source[3 * i], step.red)
                target[3 * i + 1] = step.mix(source[3 * i + 1], step.green)
                target[3 * i + 2] = step.mix(source[3 * i + 2], step.blue)
              }
            }
            count = source.count
          }
        }
      }
    }
    return Image(width: image.width, height: image.height, exactly: pixels)
  }

  /// For one colour: how much of the picture stays, of 256, and what is added, times 256.
  private struct Blend {
    var keep: Int32
    var red: Int32
    var green: Int32
    var blue: Int32

    func mix(_ sample: UInt8, _ added: Int32) -> UInt8 {
      UInt8(truncatingIfNeeded: (Int32(sample) &* keep &+ added &+ 128) >> 8)
    }
  }

  private func blending(for range: MapRange) -> [Blend] {
    colorMap(for: range).colors.enumerated().map { index, color in
      let position = (Float(index) + 0.5) / 256
      let strength = range.isSigned ? abs(2 * position - 1) : position
      let share = min(max(opacity, 0), 1) * (0.45 + 0.55 * min(1, 2 * strength))
      let hidden = Int32(share.isFinite ? share * 256 : 0)
      return Blend(
        keep: 256 - hidden, red: hidden * Int32(color.red), green: hidden * Int32(color.green),
        blue: hidden * Int32(color.blue))
    }
  }
}

extension Image {
  /// The picture with a part of it changed by a function that keeps the part's size.
  func changing(
    _ area: PictureArea, _ change: (Image) throws(ImageError) -> Image
  ) throws(ImageError) -> Image {
    guard area != .whole else { return try change(self) }
    let box = area.nearest(width: width, height: height)
    guard let part = cropped(x: box.x, y: box.y, width: box.width, height: box.height) else {
      return self
    }
    let changed = try change(part)
    guard changed.width == box.width, changed.height == box.height else { return self }
    var pixels = pixels
    for row in 0..<box.height {
      let (to, from) = (3 * ((box.y + row) * width + box.x), 3 * row * box.width)
      pixels.replaceSubrange(
        to..<to + 3 * box.width, with: changed.pixels[from..<from + 3 * box.width])
    }
    return Image(width: width, height: height, exactly: pixels)
  }
}

extension ColorMap {
  /// A map as a picture of its own size.
  ///
  /// - Parameters:
  ///   - map: `[H, W]`, not empty.
  ///   - range: The numbers at the ends of the scale; `nil` takes those of the map. A flat range
  ///     gives the first colour, and elements that are not a number have it too.
  /// - Returns: A picture of `W`×`H` pixels.
  /// - Throws: `ImageError.cannotDraw` where the map has no rows and columns.
  public func apply(to map: Tensor, range: MapRange? = nil) throws(ImageError) -> Image {
    try ImageError.check(map)
    let range = range ?? MapRange(of: map) ?? MapRange(lower: 0, upper: 0)
    let colors = self.colors
    var pixels: [UInt8] = []
    pixels.reserveCapacity(3 * map.count)
    map.withUnsafeBufferPointer { values in
      for value in values {
        let color = colors[range.isFlat ? 0 : ColorMap.index(of: range.position(of: value))]
        pixels.append(color.red)
        pixels.append(color.green)
        pixels.append(color.blue)
      }
    }
    return Image(width: map.shape[1], height: map.shape[0], exactly: pixels)
  }
}

extension ImageError {
  /// Makes sure that a map has rows and columns.
  static func check(_ map: Tensor) throws(ImageError) {
    guard map.shape.rank == 2, map.count > 0 else {
      throw .cannotDraw("a map of \(map.shape) cannot be drawn; give one of rows and columns")
    }
  }
}
