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
  public struct Score: Sendable, Equatable, Codable {
    /// In seconds.
    public var times: ClosedRange<Double>
    /// From 0 to 1; `nil` for silence.
    public var probability: Double?

    /// Makes a score.
    public init(times: ClosedRange<Double>, probability: Double?) {
      self.times = times
      self.probability = probability
    }
  }

  /// The spectrogram, low frequencies at the bottom.
  public var image: Image
  /// Raw attributions `[H, W]`, low frequencies at the bottom; `nil` draws the spectrogram alone.
  public var map: Tensor?
  /// What the axes show.
  public var axes: FigureAxes
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
  /// What stands above all, such as the name of the file; its middle is left out where it is long.
  public var title: String
  /// The unit of the map's values, such as `logit`; empty where unknown.
  public var unit: String
  /// A region whose border is drawn, not zero inside, `[H, W]` of any size; `nil` for none.
  public var outline: Tensor?
  /// How the map is laid over the spectrogram.
  public var overlay: Overlay

  /// Makes a figure.
  public init(
    image: Image, map: Tensor?, axes: FigureAxes, label: String, probability: Double? = nil,
    details: [String] = [], notes: [String] = [], boxes: [Box] = [],
    scores: [Score] = [], title: String = "", unit: String = "", outline: Tensor? = nil,
    overlay: Overlay = Overlay()
  ) {
    self.image = image
    self.map = map
    self.axes = axes
    self.label = label
    self.probability = probability
    self.details = details
    self.notes = notes
    self.boxes = boxes
    self.scores = scores
    self.title = title
    self.unit = unit
    self.outline = outline
    self.overlay = overlay
  }

  /// The figure as pixels.
  ///
  /// - Throws: `ImageError.noMemory`; `.cannotDraw` where the map has no rows and columns, or there
  ///   are fewer than two frequencies.
  public func rendered() throws(ImageError) -> Image {
    try SpectrogramLayout(self).sheet.rendered()
  }
}

/// Where everything in a figure of a sound goes.
private struct SpectrogramLayout {
  private static let picture = (width: 760.0, height: 400.0)
  private static let margin = 20.0
  private static let left = 78.0
  private static let scoreHeight = 96.0
  private static let line = RGB(0x00, 0x72, 0xB2)

  private(set) var sheet: Sheet
  private let figure: SpectrogramFigure
  private var axes: FigureAxes { figure.axes }
  private let bar: ColorBar?

  init(_ figure: SpectrogramFigure) throws(ImageError) {
    self.figure = figure
    guard figure.axes.isUsable else {
      throw .cannotDraw(
        "a spectrogram of \(figure.axes.frequencies.count) frequencies has no axis")
    }
    sheet = try Sheet()
    let range = figure.map.flatMap(MapRange.init(of:)).map { figure.overlay.range ?? $0 }
    bar = ColorBar(range, overlay: figure.overlay, unit: figure.unit, count: 6)
    let right = bar.map { 16 + $0.room(size: 12, on: sheet) } ?? Self.margin
    sheet.width = (Self.left + Self.picture.width + right).rounded(.up)

    let top = writeCaption(range: range)
    try drawSpectrogram(top: top)
    sheet.height = top + Self.picture.height + FigureAxes.timesHeight() + 8
    if figure.scores.count > 1 {
      drawScores(top: sheet.height + 22)
      sheet.height += Self.scoreHeight + 22 + FigureAxes.timesHeight() + 8
    }
  }

  /// - Returns: Where the spectrogram begins.
  private mutating func writeCaption(range: MapRange?) -> Double {
    let width = sheet.width - 2 * Self.margin
    var y = 14.0
    if !figure.title.isEmpty {
      let name = sheet.flow(width: width, size: 14).line(elidingMiddleOf: figure.title)
      sheet.write(name, x: Self.margin, y: y + 14, size: 14, color: Sheet.grey)
      y += 21
    }
    y = sheet.writeHeading(
      figure.label, figure.probability, x: Self.margin, top: y, size: 19, width: width, limit: 2)
    let subtitle = figure.details.filter { !$0.isEmpty }.joined(separator: " · ")
    let notes =
      Sheet.shortened(figure.notes, to: 7) + (range?.note.map { [$0] } ?? [])
      + (figure.outline == nil ? [] : [Sheet.outlineNote])
    let flow = sheet.flow(width: width, size: 14)
    for line in ([subtitle] + notes).flatMap({ flow.lines(of: $0, limit: 3) }) {
      sheet.write(line, x: Self.margin, y: y + 18, size: 14, color: Sheet.grey)
      y += 20
    }
    return (y + 16).rounded()
  }

  private mutating func drawSpectrogram(top: Double) throws(ImageError) {
    let (width, height) = Self.picture
    let spectrogram = figure.image.resized(
      width: Int(width), height: Int(height), method: .bilinear)
    var shown = spectrogram
    if let map = figure.map { shown = try figure.overlay.draw(map, over: spectrogram) }
    sheet.place(shown, x: Self.left, y: top)
    for box in figure.boxes {
      let (x1, x2) = (
        Self.left + width * axes.position(ofTime: box.times.lowerBound),
        Self.left + width * axes.position(ofTime: box.times.upperBound)
      )
      let y1 = top + height * (1 - axes.position(ofFrequency: box.frequencies.upperBound))
      let y2 = top + height * (1 - axes.position(ofFrequency: box.frequencies.lowerBound))
      sheet.add {
        $0.frame(x: x1, y: y1, width: x2 - x1, height: y2 - y1, color: .white, thickness: 1.5)
      }
    }
    if let region = figure.outline {
      Outline(of: region).draw(
        on: &sheet, x: Self.left, y: top, width: width, height: height, thickness: 1.5)
    }
    let end = Self.left + width * axes.position(ofTime: axes.sound.upperBound)
    if end < Self.left + width - 20 {
      sheet.add {
        $0.line(from: (end, top), to: (end, top + height), color: Sheet.grey, thickness: 1.5)
      }
      sheet.write(
        "repeated", x: end + 6, y: top + 16, size: 12, within: Self.left + width - end - 8)
    }
    axes.drawTimes(on: &sheet, x: Self.left, y: top + height, width: width, count: 8)
    axes.drawFrequencies(on: &sheet, x: Self.left, y: top, height: height)
    bar?.drawUpright(
      on: &sheet, x: Self.left + width + 16, y: top, length: height, size: 12, hairline: 1)
  }

  /// The probability over the whole sound, and which part of it is shown above.
  private mutating func drawScores(top: Double) {
    let end = max(figure.scores.map(\.times.upperBound).max() ?? 0, 1e-9)
    let whole = FigureAxes(times: 0...end, frequencies: [])
    let (width, height, left) = (Self.picture.width, Self.scoreHeight, Self.left)
    func x(_ time: Double) -> Double { left + width * whole.position(ofTime: time) }
    let (from, to) = (x(axes.sound.lowerBound), x(axes.sound.upperBound))
    sheet.add {
      $0.fill(
        x: from, y: top, width: max(to - from, 1), height: height, color: RGB(0xE8, 0xEE, 0xF5))
    }
    for share in [0, 0.5, 1] {
      let y = top + height * (1 - share)
      sheet.add {
        $0.line(from: (left, y), to: (left + width, y), color: Sheet.hairline, thickness: 1)
      }
      let text = "\(Int(100 * share)) %"
      sheet.write(text, x: left - 9 - sheet.width(of: text, size: 12), y: y + 4.5, size: 12)
    }
    drawSilence(top: top, x: x)
    let points = figure.scores.map { score -> (x: Double, y: Double)? in
      score.probability.map { probability in
        (
          x: x((score.times.lowerBound + score.times.upperBound) / 2),
          y: top + height * (1 - min(max(probability, 0), 1))
        )
      }
    }
    sheet.add { canvas in
      for case (let a?, let b?) in zip(points, points.dropFirst()) {
        canvas.line(from: a, to: b, color: Self.line, thickness: 2)
      }
      for case let point? in points where points.count <= 80 {
        canvas.fill(x: point.x - 2, y: point.y - 2, width: 4, height: 4, color: Self.line)
      }
      canvas.frame(
        x: left, y: top, width: width, height: height, color: Sheet.hairline, thickness: 1)
    }
    sheet.write(
      "Probability of the label, window by window; the shaded part is shown above", x: left,
      y: top - 7, size: 12, within: width, color: Sheet.grey)
    whole.drawTimes(on: &sheet, x: left, y: top + height, width: width, count: 8)
  }

  /// Grey where windows are silent.
  private mutating func drawSilence(top: Double, x: (Double) -> Double) {
    var runs: [(start: Double, end: Double)] = []
    for score in figure.scores where score.probability == nil {
      if let last = runs.last, last.end >= score.times.lowerBound {
        runs[runs.count - 1].end = score.times.upperBound
      } else {
        runs.append((score.times.lowerBound, score.times.upperBound))
      }
    }
    for run in runs {
      let (left, width) = (x(run.start), x(run.end) - x(run.start))
      sheet.add {
        $0.fill(
          x: left, y: top, width: width, height: Self.scoreHeight, color: RGB(0xDD, 0xDD, 0xDD))
      }
      if width > sheet.width(of: "silence", size: 12) + 8 {
        sheet.write("silence", x: left + 4, y: top + 0.3 * Self.scoreHeight, size: 12)
      }
    }
  }
}
