internal import PrismFiles
internal import PrismTensor

/// Where everything in a figure goes.
struct FigureLayout {
  struct Area {
    var x: Double
    var y: Double
    var width: Double
    var height: Double
  }

  struct Line {
    var text: String
    var x: Double
    var y: Double
    var size: Double
    var typeface: Typeface
    var isStrong: Bool
  }

  struct Tick {
    var label: String
    var x: Double
    var y: Double
    var start: (x: Double, y: Double)
    var end: (x: Double, y: Double)
  }

  struct Bar {
    var range: MapRange
    var isVertical: Bool
    var area = Area(x: 0, y: 0, width: 0, height: 0)
    var size: Double
    var ticks: [Tick] = []
    var factor = ""
    var factorAt: (x: Double, y: Double) = (0, 0)
  }

  /// The extents of the whole figure in pixels.
  let width: Int
  let height: Int
  /// Where the overlay goes; whole numbers.
  let picture: Area
  let text: [Line]
  let bar: Bar?
  let hairline: Double

  init(_ figure: Figure) throws(ImageError) {
    let (shownWidth, shownHeight) = Self.shownSize(of: figure.image)
    let area = Double(shownWidth * shownHeight)
    let size = min(max(13, (area.squareRoot() / 38).rounded()), 200)
    let margin = (1.25 * size).rounded()
    let hairline = max(1, (size / 14).rounded())
    let ruler = try Canvas(width: 1, height: 1)

    var bar: Bar?
    var notes = figure.notes
    switch MapRange(of: figure.map) {
    case nil:
      notes.append("The map has values that are not finite, so nothing is drawn over the picture.")
    case let own?:
      let range = figure.overlay.range ?? own
      if range.isFlat {
        notes.append("The map is zero everywhere, so nothing is drawn over the picture.")
      } else {
        if let note = range.note { notes.append(note) }
        bar = Bar(range: range, isVertical: Double(shownHeight) >= 9 * size, size: 0.85 * size)
      }
    }

    // How much room the bar needs beside or below the picture decides how wide the caption may be.
    var barLength = 0.0
    var barRoom = 0.0
    var scale = Ticks(from: 0, to: 0, count: 0)
    if let bar {
      let available = Double(bar.isVertical ? shownHeight : max(shownWidth, Int(22 * size)))
      barLength = min(available, (bar.isVertical ? 60 : 90) * size).rounded()
      let spacing = bar.isVertical ? 4.5 * size : 6 * size
      scale = Ticks(
        from: Double(bar.range.lower), to: Double(bar.range.upper),
        count: min(max(Int(barLength / spacing), 2), 8))
      let widest =
        (scale.ticks.map(\.label) + [scale.factor])
        .map { ruler.width(of: $0, size: bar.size) }.max() ?? 0
      barRoom = bar.isVertical ? 2.4 * size + widest : 0
    }
    let contentWidth = max(Double(shownWidth) + barRoom, 22 * size).rounded(.up)

    // The caption.
    var text: [Line] = []
    var y = margin
    let titleSize = 1.3 * size
    let probability = figure.probability.map(Text.percent) ?? ""
    let probabilityWidth = probability.isEmpty ? 0 : ruler.width(of: probability, size: titleSize)
    let reserve = probability.isEmpty ? 0 : probabilityWidth + 0.8 * size
    let titleFlow = TextFlow(width: contentWidth) {
      ruler.width(of: $0, size: titleSize, typeface: .bold)
    }
    let title = titleFlow.lines(of: figure.label, limit: 2, reserve: reserve)
    for (index, line) in title.enumerated() {
      let base = y + titleSize
      text.append(
        Line(text: line, x: margin, y: base, size: titleSize, typeface: .bold, isStrong: true))
      if index == title.count - 1, !probability.isEmpty {
        let shift = line.isEmpty ? 0 : titleFlow.measure(line) + 0.8 * size
        text.append(
          Line(
            text: probability, x: margin + shift, y: base, size: titleSize, typeface: .regular,
            isStrong: false))
      }
      y += 1.25 * titleSize
    }
    let flow = TextFlow(width: contentWidth) { ruler.width(of: $0, size: size) }
    let subtitle = ([figure.method] + figure.details).filter { !$0.isEmpty }
      .joined(separator: " · ")
    for paragraph in [subtitle] + notes.prefix(5) {
      for line in flow.lines(of: paragraph, limit: 3) {
        y += 0.25 * size
        text.append(
          Line(
            text: line, x: margin, y: y + size, size: size, typeface: .regular, isStrong: false))
        y += 1.1 * size
      }
    }
    y = (y + 0.9 * size).rounded()
    // The factor stands above a bar at the picture's side.
    if bar?.isVertical == true, !scale.factor.isEmpty { y += (0.6 * size).rounded() }

    let picture = Area(
      x: margin, y: y, width: Double(shownWidth), height: Double(shownHeight))
    y += picture.height

    if var placed = bar {
      let thickness = (0.9 * size).rounded()
      let mark = 0.3 * size
      placed.factor = scale.factor
      if placed.isVertical {
        let x = picture.x + picture.width + size.rounded()
        placed.area = Area(x: x, y: picture.y, width: thickness, height: barLength)
        placed.factorAt = (x, picture.y - 0.45 * size)
        placed.ticks = scale.ticks.map { tick in
          let at = picture.y + barLength * (1 - tick.position)
          let end = x + thickness + mark
          return Tick(
            label: tick.label, x: end + 0.25 * size,
            // Half the height of a digit below the mark.
            y: at + 0.365 * placed.size, start: (x + thickness, at), end: (end, at))
        }
      } else {
        let top = picture.y + picture.height + size.rounded()
        placed.area = Area(x: margin, y: top, width: barLength, height: thickness)
        let base = top + thickness + mark + 1.1 * placed.size
        var free = margin - size
        for tick in scale.ticks {
          let at = margin + barLength * tick.position
          let labelWidth = ruler.width(of: tick.label, size: placed.size)
          let x = min(max(at - labelWidth / 2, margin), margin + contentWidth - labelWidth)
          // A label that would touch its neighbour is left out.
          guard x >= free else { continue }
          free = x + labelWidth + 0.4 * size
          placed.ticks.append(
            Tick(
              label: tick.label, x: x, y: base, start: (at, top + thickness),
              end: (at, top + thickness + mark)))
        }
        y = base + 0.3 * size
        if !scale.factor.isEmpty {
          placed.factorAt = (margin, base + 1.4 * placed.size)
          y += 1.4 * placed.size
        }
      }
      bar = placed
    }

    self.width = Int(margin + contentWidth + margin)
    self.height = Int((y + margin).rounded(.up))
    self.picture = picture
    self.text = text
    self.bar = bar
    self.hairline = hairline
  }

  /// A picture at the size it is shown at.
  func sized(_ image: Image) -> Image {
    let (width, height) = (Int(picture.width), Int(picture.height))
    return image.resized(
      width: width, height: height,
      method: width < image.width || height < image.height ? .bilinearAntialias : .nearest)
  }

  private static func shownSize(of image: Image) -> (width: Int, height: Int) {
    let longest = max(image.width, image.height)
    let shortest = min(image.width, image.height)
    // A canvas has an end; captions need a part of it.
    let limit = 24_000
    if longest > limit {
      let scale = Double(limit) / Double(longest)
      return (
        max(1, Int((Double(image.width) * scale).rounded())),
        max(1, Int((Double(image.height) * scale).rounded()))
      )
    }
    // Whole factors: until the long side has 320 pixels, and the short one 64 where that does not make the long
    // one huge.
    let factor = max(1, (319 + longest) / longest, min((63 + shortest) / shortest, 1600 / longest))
    return (image.width * factor, image.height * factor)
  }
}
