internal import PrismFiles

/// The scale beside or below a map: colours, round numbers, and what they are.
struct ColorBar {
  /// The numbers at the ends.
  let range: MapRange
  /// The marks, from the lower end to the upper.
  let ticks: [Ticks.Tick]
  /// What the numbers are, with the power of ten and the unit.
  let title: String
  private let colors: [RGB]

  /// Makes the bar of a scale; `nil` where nothing can be shown.
  ///
  /// - Parameters:
  ///   - range: The scale.
  ///   - overlay: What gives the colours.
  ///   - unit: Of the map's values, such as `logit`; empty where unknown.
  ///   - count: About how many marks there are to be.
  init?(_ range: MapRange?, overlay: Overlay, unit: String, count: Int) {
    guard let range, !range.isFlat else { return nil }
    self.range = range
    colors = overlay.colorMap(for: range).colors
    let scale = Ticks(
      from: Double(range.lower - range.centre), to: Double(range.upper - range.centre),
      count: min(max(count, 2), 8))
    ticks = scale.ticks
    title = Self.title(
      of: range, measure: [scale.factor, unit].filter { !$0.isEmpty }.joined(separator: " "))
  }

  /// What the numbers of a scale are, with the power of ten and the unit, which may be empty.
  static func title(of range: MapRange, measure: String) -> String {
    let quantity =
      range.centre == 0
      ? "attribution" : "attribution − \(Text.number(Double(range.centre))), the median"
    return measure.isEmpty ? quantity : "\(quantity) (\(measure))"
  }

  /// The room that an upright bar needs beside a picture.
  func room(size: Double, on sheet: Sheet) -> Double {
    (size * 1.6).rounded() + size * 0.7 + labelWidth(size: size, on: sheet) + 1.8 * size
  }

  private func labelWidth(size: Double, on sheet: Sheet) -> Double {
    ticks.map { sheet.width(of: $0.label, size: size) }.max() ?? 0
  }

  /// Adds the bar upright, its numbers and its title at the right.
  func drawUpright(
    on sheet: inout Sheet, x: Double, y: Double, length: Double, size: Double, hairline: Double
  ) {
    let thickness = size.rounded()
    strip(colors.reversed(), isUpright: true, on: &sheet, x, y, thickness, length, hairline)
    for tick in ticks {
      let at = y + length * (1 - tick.position)
      let end = x + thickness + 0.35 * size
      sheet.add {
        $0.line(from: (x + thickness, at), to: (end, at), color: Sheet.grey, thickness: hairline)
      }
      // Half the height of a digit below the mark.
      sheet.write(tick.label, x: end + 0.3 * size, y: at + 0.365 * size, size: size)
    }
    let flow = sheet.flow(width: length, size: size)
    guard let line = flow.lines(of: title, limit: 1).first else { return }
    let base = x + thickness + 0.65 * size + labelWidth(size: size, on: sheet) + 1.4 * size
    let from = y + (length + flow.measure(line)) / 2
    sheet.add { $0.writeUpwards(line, x: base, y: from, size: size, color: Sheet.grey) }
  }

  /// The room that a lying bar needs below a picture.
  static func height(size: Double) -> Double { size.rounded() + 3.3 * size }

  /// Adds the bar lying, its numbers and its title below, which reach `width` to the right of `x`.
  func drawLying(
    on sheet: inout Sheet, x: Double, y: Double, length: Double, width: Double, size: Double,
    hairline: Double
  ) {
    let thickness = size.rounded()
    strip(colors, isUpright: false, on: &sheet, x, y, length, thickness, hairline)
    let bottom = y + thickness
    let base = bottom + 0.35 * size + 1.1 * size
    var free = x - size
    for tick in ticks {
      let at = x + length * tick.position
      let labelWidth = sheet.width(of: tick.label, size: size)
      let left = min(max(at - labelWidth / 2, x), x + width - labelWidth)
      // A label that would touch its neighbour is left out.
      guard left >= free else { continue }
      free = left + labelWidth + 0.45 * size
      sheet.add {
        $0.line(
          from: (at, bottom), to: (at, bottom + 0.35 * size), color: Sheet.grey,
          thickness: hairline)
      }
      sheet.write(tick.label, x: left, y: base, size: size)
    }
    sheet.write(
      title, x: x, y: base + 1.4 * size, size: size, within: width, color: Sheet.grey)
  }

  private func strip(
    _ colors: [RGB], isUpright: Bool, on sheet: inout Sheet, _ x: Double, _ y: Double,
    _ width: Double, _ height: Double, _ hairline: Double
  ) {
    let image = Image(
      width: isUpright ? 1 : 256, height: isUpright ? 256 : 1,
      exactly: colors.flatMap { [$0.red, $0.green, $0.blue] })
    sheet.add { canvas in
      canvas.draw(image, x: x, y: y, width: width, height: height)
      canvas.frame(
        x: x, y: y, width: width, height: height, color: Sheet.hairline, thickness: hairline)
    }
  }
}
