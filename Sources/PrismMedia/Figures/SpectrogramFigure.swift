internal import PrismFiles
public import PrismTensor

/// A spectrogram for people: an explanation over what it explains, with axes in seconds and hertz.
///
/// Low frequencies are at the bottom, whatever the network's picture is like.
public struct SpectrogramFigure: Sendable {
  /// A rectangle that is framed.
  public struct Box: Sendable, Equatable {
    /// In seconds.
    public var times: ClosedRange<Double>
    /// In Hz.
    public var frequencies: ClosedRange<Double>

    /// Makes a rectangle.
    public init(times: ClosedRange<Double>, frequencies: ClosedRange<Double>) {
      self.times = times
      self.frequencies = frequencies
    }
  }

  /// A probability for a part of a longer sound.
  public struct Score: Sendable, Equatable {
    /// In seconds.
    public var times: ClosedRange<Double>
    /// From 0 to 1.
    public var probability: Double

    /// Makes a score.
    public init(times: ClosedRange<Double>, probability: Double) {
      self.times = times
      self.probability = probability
    }
  }

  /// The spectrogram, low frequencies at the bottom.
  public var image: Image
  /// Raw attributions `[H, W]`, low frequencies at the bottom; `nil` draws the spectrogram alone.
  public var map: Tensor?
  /// What the horizontal axis shows, in seconds.
  public var times: ClosedRange<Double>
  /// The frequencies in Hz at the lower edge of the picture and at every row's upper edge, ascending.
  public var frequencies: [Double]
  /// What the network heard, such as `fake`.
  public var label: String
  /// The probability of the label.
  public var probability: Double?
  /// The method, and how the map was made.
  public var details: [String]
  /// What a reader has to know; each on a line of its own.
  public var notes: [String]
  /// Where the evidence is.
  public var boxes: [Box]
  /// The probability of the label over a longer sound; drawn below where there are several.
  public var scores: [Score]
  /// How the map is laid over the spectrogram.
  public var overlay: Overlay

  /// Makes a figure.
  ///
  /// - Precondition: The map has two axes; there is one frequency more than the picture has rows.
  public init(
    image: Image, map: Tensor?, times: ClosedRange<Double>, frequencies: [Double], label: String,
    probability: Double? = nil, details: [String] = [], notes: [String] = [], boxes: [Box] = [],
    scores: [Score] = [], overlay: Overlay = Overlay()
  ) {
    precondition(map?.shape.rank ?? 2 == 2, "a map that cannot be drawn")
    precondition(frequencies.count == image.height + 1, "\(frequencies.count) frequencies")
    self.image = image
    self.map = map
    self.times = times
    self.frequencies = frequencies
    self.label = label
    self.probability = probability
    self.details = details
    self.notes = notes
    self.boxes = boxes
    self.scores = scores
    self.overlay = overlay
  }

  private static let ink = RGB(0x1B, 0x1F, 0x24)
  private static let grey = RGB(0x57, 0x60, 0x6A)
  private static let hairline = RGB(0xB4, 0xBA, 0xC2)
  private static let line = RGB(0x00, 0x72, 0xB2)
  private static let picture = (width: 760.0, height: 400.0)
  private static let left = 78.0
  private static let right = 96.0
  private static let scoreHeight = 96.0

  /// The figure as pixels.
  ///
  /// - Throws: `ImageError.noMemory`.
  public func rendered() throws(ImageError) -> Image {
    let width = Self.left + Self.picture.width + Self.right
    let ruler = try Canvas(width: 1, height: 1)
    let flow = TextFlow(width: width - 40) { ruler.width(of: $0, size: 14) }
    let subtitle = details.filter { !$0.isEmpty }.joined(separator: " · ")
    let ending = (overlay.range ?? map.flatMap { MapRange(of: $0) })?.note
    let paragraphs = [subtitle] + notes.prefix(4) + (ending.map { [$0] } ?? [])
    let lines = paragraphs.flatMap { flow.lines(of: $0, limit: 3) }
    let top = 44 + 20 * Double(lines.count) + 14
    let bottom = top + Self.picture.height + 52
    let hasScores = scores.count > 1
    let height = bottom + (hasScores ? Self.scoreHeight + 66 : 0)

    let canvas = try Canvas(width: Int(width), height: Int(height))
    canvas.write(label, x: 20, y: 32, size: 19, typeface: .bold, color: Self.ink)
    if let probability {
      let shift = canvas.width(of: label, size: 19, typeface: .bold)
      canvas.write(
        Text.percent(probability), x: 32 + shift, y: 32, size: 19, color: Self.grey)
    }
    for (index, line) in lines.enumerated() {
      canvas.write(line, x: 20, y: 56 + 20 * Double(index), size: 14, color: Self.grey)
    }
    drawSpectrogram(on: canvas, top: top)
    if hasScores { drawScores(on: canvas, top: bottom + 22) }
    return try canvas.image()
  }

  private func x(of time: Double, in range: ClosedRange<Double>) -> Double {
    let share = (time - range.lowerBound) / max(range.upperBound - range.lowerBound, 1e-9)
    return Self.left + Self.picture.width * min(max(share, 0), 1)
  }

  /// The height above the lower edge, from 0 to 1.
  private func position(of frequency: Double) -> Double {
    guard let upper = frequencies.firstIndex(where: { $0 >= frequency }) else { return 1 }
    guard upper > 0 else { return 0 }
    let (low, high) = (frequencies[upper - 1], frequencies[upper])
    return (Double(upper - 1) + (frequency - low) / max(high - low, 1e-9))
      / Double(frequencies.count - 1)
  }

  private func drawSpectrogram(on canvas: Canvas, top: Double) {
    let (width, height) = Self.picture
    let shown = image.resized(width: Int(width), height: Int(height), method: .bilinear)
    canvas.draw(
      map.map { overlay.draw($0, over: shown) } ?? shown, x: Self.left, y: top, width: width,
      height: height)
    for box in boxes {
      let (x1, x2) = (
        x(of: box.times.lowerBound, in: times), x(of: box.times.upperBound, in: times)
      )
      let y1 = top + height * (1 - position(of: box.frequencies.upperBound))
      let y2 = top + height * (1 - position(of: box.frequencies.lowerBound))
      canvas.frame(x: x1, y: y1, width: x2 - x1, height: y2 - y1, color: .white, thickness: 1.5)
    }
    canvas.frame(
      x: Self.left, y: top, width: width, height: height, color: Self.hairline, thickness: 1)
    drawTimes(times, on: canvas, top: top + height)

    var free = top + height + 20
    for frequency in Self.round
    where frequency >= frequencies[0]
      && frequency <= frequencies[frequencies.count - 1]
    {
      let y = top + height * (1 - position(of: frequency))
      guard y <= free - 16 else { continue }
      free = y
      canvas.line(from: (Self.left - 5, y), to: (Self.left, y), color: Self.grey, thickness: 1)
      let text = "\(Int(frequency))"
      canvas.write(
        text, x: Self.left - 9 - canvas.width(of: text, size: 12), y: y + 4.5, size: 12,
        color: Self.ink)
    }
    canvas.writeUpwards(
      "frequency (Hz)", x: 22,
      y: top + (height + canvas.width(of: "frequency (Hz)", size: 13)) / 2, size: 13,
      color: Self.grey)
    drawBar(on: canvas, top: top)
  }

  /// Frequencies that are easily read.
  private static let round: [Double] = [
    0, 50, 100, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 4000, 6000, 8000, 11000, 16000, 22000,
    32000, 48000, 96000,
  ]

  private func drawTimes(_ range: ClosedRange<Double>, on canvas: Canvas, top: Double) {
    for tick in Ticks(from: range.lowerBound, to: range.upperBound, count: 8).ticks {
      let x = Self.left + tick.position * Self.picture.width
      canvas.line(from: (x, top), to: (x, top + 5), color: Self.grey, thickness: 1)
      let width = canvas.width(of: tick.label, size: 12)
      canvas.write(tick.label, x: x - width / 2, y: top + 19, size: 12, color: Self.ink)
    }
    let width = canvas.width(of: "time (s)", size: 13)
    canvas.write(
      "time (s)", x: Self.left + (Self.picture.width - width) / 2, y: top + 38, size: 13,
      color: Self.grey)
  }

  private func drawBar(on canvas: Canvas, top: Double) {
    guard let map, let range = overlay.range ?? MapRange(of: map), !range.isFlat else { return }
    let height = Self.picture.height
    let x = Self.left + Self.picture.width + 16
    let colors = overlay.colorMap(for: range).colors.reversed()
    canvas.draw(
      Image(width: 1, height: 256, pixels: colors.flatMap { [$0.red, $0.green, $0.blue] }), x: x,
      y: top, width: 14, height: height)
    canvas.frame(x: x, y: top, width: 14, height: height, color: Self.hairline, thickness: 1)
    let ticks = Ticks(from: Double(range.lower), to: Double(range.upper), count: 6)
    for tick in ticks.ticks {
      let y = top + height * (1 - tick.position)
      canvas.line(from: (x + 14, y), to: (x + 18, y), color: Self.grey, thickness: 1)
      canvas.write(tick.label, x: x + 22, y: y + 4.5, size: 12, color: Self.ink)
    }
    if !ticks.factor.isEmpty {
      canvas.write(ticks.factor, x: x, y: top - 6, size: 12, color: Self.grey)
    }
  }

  /// The probability over the whole sound, and which part of it is shown above.
  private func drawScores(on canvas: Canvas, top: Double) {
    let end = scores.map(\.times.upperBound).max() ?? 0
    let all = 0...max(end, 1e-9)
    let (width, height) = (Self.picture.width, Self.scoreHeight)
    let (from, to) = (x(of: times.lowerBound, in: all), x(of: times.upperBound, in: all))
    canvas.fill(
      x: from, y: top, width: max(to - from, 1), height: height, color: RGB(0xE8, 0xEE, 0xF5))
    for share in [0, 0.5, 1] {
      let y = top + height * (1 - share)
      canvas.line(
        from: (Self.left, y), to: (Self.left + width, y), color: Self.hairline, thickness: 1)
      let text = "\(Int(100 * share)) %"
      canvas.write(
        text, x: Self.left - 9 - canvas.width(of: text, size: 12), y: y + 4.5, size: 12,
        color: Self.ink)
    }
    let points = scores.map { score in
      (
        x: x(of: (score.times.lowerBound + score.times.upperBound) / 2, in: all),
        y: top + height * (1 - min(max(score.probability, 0), 1))
      )
    }
    for (a, b) in zip(points, points.dropFirst()) {
      canvas.line(from: a, to: b, color: Self.line, thickness: 2)
    }
    if points.count <= 80 {
      for point in points {
        canvas.fill(x: point.x - 2, y: point.y - 2, width: 4, height: 4, color: Self.line)
      }
    }
    canvas.frame(
      x: Self.left, y: top, width: width, height: height, color: Self.hairline, thickness: 1)
    canvas.write(
      "\(label), window by window; the shaded part is shown above", x: Self.left, y: top - 7,
      size: 12, color: Self.grey)
    drawTimes(all, on: canvas, top: top + height)
  }
}
