/// Panels of curves and matrices side by side, for people to look at.
public struct Chart: Sendable {
  /// A line through points.
  public struct Series: Sendable {
    /// The name in the legend; empty for none.
    public var name: String
    /// The points, in the units of the axes; NaN leaves a gap.
    public var points: [(x: Double, y: Double)]
    /// Whether the line is thin and grey, for orientation.
    public var isGuide: Bool

    /// Makes a series.
    public init(name: String, points: [(x: Double, y: Double)], isGuide: Bool = false) {
      self.name = name
      self.points = points
      self.isGuide = isGuide
    }
  }

  /// One panel.
  public struct Panel: Sendable {
    /// What a panel shows.
    public enum Contents: Sendable {
      /// Lines over axes; ranges are those of the points unless given.
      case curves(
        [Series], x: ClosedRange<Double>?, y: ClosedRange<Double>?,
        marks: [(x: Double, name: String)])
      /// Numbers of samples, rows of true labels, columns of predicted ones.
      case matrix([[Int]], labels: [String])
    }

    /// The title above.
    public var title: String
    /// What the horizontal axis says.
    public var xLabel: String
    /// What the vertical axis says.
    public var yLabel: String
    /// What it shows.
    public var contents: Contents

    /// Makes a panel.
    public init(title: String, xLabel: String, yLabel: String, contents: Contents) {
      self.title = title
      self.xLabel = xLabel
      self.yLabel = yLabel
      self.contents = contents
    }
  }

  /// The title of the whole.
  public var title: String
  /// The panels, from left to right.
  public var panels: [Panel]

  /// Makes a chart.
  public init(title: String, panels: [Panel]) {
    self.title = title
    self.panels = panels
  }

  private static let grid = RGB(0xD5, 0xD9, 0xDE)
  /// Okabe and Ito's colours, which the colour-blind can tell apart.
  private static let colors = [
    RGB(0x00, 0x72, 0xB2), RGB(0xD5, 0x5E, 0x00), RGB(0x00, 0x9E, 0x73), RGB(0xCC, 0x79, 0xA7),
    RGB(0xE6, 0x9F, 0x00), RGB(0x56, 0xB4, 0xE9),
  ]
  private static let panelWidth = 460.0
  private static let panelHeight = 400.0
  private static let headHeight = 44.0

  /// Breaks text into lines that fit.
  private static func flow(
    _ width: Double, size: Double, typeface: Typeface = .regular, on canvas: Canvas
  ) -> TextFlow {
    TextFlow(width: width) { canvas.width(of: $0, size: size, typeface: typeface) }
  }

  /// The chart as pixels.
  ///
  /// - Throws: `ImageError.noMemory`.
  public func rendered() throws(ImageError) -> Image {
    let width = Self.panelWidth * Double(max(panels.count, 1))
    let canvas = try Canvas(width: Int(width), height: Int(Self.headHeight + Self.panelHeight))
    let heading = Self.flow(width - 40, size: 15, typeface: .bold, on: canvas)
      .line(elidingMiddleOf: title)
    canvas.write(heading, x: 20, y: 28, size: 15, typeface: .bold, color: Sheet.ink)
    for (i, panel) in panels.enumerated() {
      draw(panel, on: canvas, x: Double(i) * Self.panelWidth, y: Self.headHeight)
    }
    return try canvas.image()
  }

  private func draw(_ panel: Panel, on canvas: Canvas, x: Double, y: Double) {
    let area = (x: x + 68, y: y + 34, width: Self.panelWidth - 92, height: Self.panelHeight - 92)
    let title =
      Self.flow(area.width, size: 13, typeface: .bold, on: canvas)
      .lines(of: panel.title, limit: 1).first ?? ""
    canvas.write(title, x: area.x, y: y + 20, size: 13, typeface: .bold, color: Sheet.ink)
    let labelWidth = canvas.width(of: panel.xLabel, size: 12)
    canvas.write(
      panel.xLabel, x: area.x + (area.width - labelWidth) / 2, y: area.y + area.height + 44,
      size: 12, color: Sheet.grey)
    canvas.writeUpwards(
      panel.yLabel, x: area.x - 50,
      y: area.y + (area.height + canvas.width(of: panel.yLabel, size: 12)) / 2, size: 12,
      color: Sheet.grey)
    switch panel.contents {
    case .curves(let series, let xRange, let yRange, let marks):
      drawCurves(series, xRange, yRange, marks, on: canvas, area)
    case .matrix(let rows, let labels):
      drawMatrix(rows, labels, on: canvas, area)
    }
  }

  private typealias Area = (x: Double, y: Double, width: Double, height: Double)

  private func drawCurves(
    _ series: [Series], _ xRange: ClosedRange<Double>?, _ yRange: ClosedRange<Double>?,
    _ marks: [(x: Double, name: String)], on canvas: Canvas, _ area: Area
  ) {
    func range(_ values: [Double]) -> ClosedRange<Double> {
      let finite = values.filter(\.isFinite)
      guard let low = finite.min(), let high = finite.max() else { return 0...1 }
      return low < high ? low...high : (low - 0.5)...(high + 0.5)
    }
    let xs = xRange ?? range(series.flatMap { $0.points.map(\.x) })
    let ys = yRange ?? range(series.flatMap { $0.points.map(\.y) })
    func place(_ point: (x: Double, y: Double)) -> (x: Double, y: Double) {
      (
        area.x + (point.x - xs.lowerBound) / (xs.upperBound - xs.lowerBound) * area.width,
        area.y + area.height
          - (point.y - ys.lowerBound) / (ys.upperBound - ys.lowerBound) * area.height
      )
    }
    let horizontal = Ticks(from: xs.lowerBound, to: xs.upperBound, count: 6)
    for tick in horizontal.ticks {
      let x = area.x + tick.position * area.width
      canvas.line(
        from: (x, area.y), to: (x, area.y + area.height), color: Self.grid, thickness: 1)
      let width = canvas.width(of: tick.label, size: 11)
      canvas.write(
        tick.label, x: x - width / 2, y: area.y + area.height + 18, size: 11, color: Sheet.ink)
    }
    let vertical = Ticks(from: ys.lowerBound, to: ys.upperBound, count: 5)
    for tick in vertical.ticks {
      let y = area.y + area.height - tick.position * area.height
      canvas.line(
        from: (area.x, y), to: (area.x + area.width, y), color: Self.grid, thickness: 1)
      let width = canvas.width(of: tick.label, size: 11)
      canvas.write(tick.label, x: area.x - 8 - width, y: y + 4, size: 11, color: Sheet.ink)
    }
    if !vertical.factor.isEmpty {
      canvas.write(vertical.factor, x: area.x, y: area.y - 5, size: 11, color: Sheet.grey)
    }
    for mark in marks {
      let x = place((mark.x, ys.lowerBound)).x
      canvas.line(
        from: (x, area.y), to: (x, area.y + area.height), color: Sheet.grey, thickness: 1)
      canvas.write(mark.name, x: x + 4, y: area.y + 12, size: 11, color: Sheet.grey)
    }
    var shown = 0
    for line in series {
      let color = line.isGuide ? Sheet.grey : Self.colors[shown % Self.colors.count]
      if !line.isGuide { shown += 1 }
      let thickness = line.isGuide ? 1.0 : 2.0
      for (a, b) in zip(line.points, line.points.dropFirst())
      where a.y.isFinite && b.y.isFinite {
        canvas.line(from: place(a), to: place(b), color: color, thickness: thickness)
      }
      if !line.isGuide, line.points.count < 60 {
        for point in line.points where point.y.isFinite {
          let (x, y) = place(point)
          canvas.fill(x: x - 2, y: y - 2, width: 4, height: 4, color: color)
        }
      }
    }
    canvas.frame(
      x: area.x, y: area.y, width: area.width, height: area.height, color: Sheet.grey, thickness: 1)
    drawLegend(series, on: canvas, area)
  }

  /// The names of the lines, on white, in the lower right corner; of too many, how many there are.
  private func drawLegend(_ series: [Series], on canvas: Canvas, _ area: Area) {
    let named = series.filter { !$0.isGuide && !$0.name.isEmpty }
    guard !named.isEmpty else { return }
    let shown = named.prefix(Self.colors.count)
    let flow = Self.flow(area.width / 2, size: 11, on: canvas)
    var names = shown.map { flow.lines(of: $0.name, limit: 1).first ?? "" }
    if named.count > shown.count { names.append("and \(named.count - shown.count) more") }
    let width = (names.map { canvas.width(of: $0, size: 11) }.max() ?? 0) + 36
    let height = Double(names.count) * 17 + 8
    let left = area.x + area.width - width - 8
    let top = area.y + area.height - height - 8
    canvas.fill(x: left, y: top, width: width, height: height, color: .white)
    canvas.frame(x: left, y: top, width: width, height: height, color: Self.grid, thickness: 1)
    for (i, name) in names.enumerated() {
      let y = top + Double(i) * 17 + 13
      if i < shown.count {
        canvas.line(from: (left + 6, y), to: (left + 24, y), color: Self.colors[i], thickness: 2)
      }
      canvas.write(name, x: left + 30, y: y + 4, size: 11, color: Sheet.ink)
    }
  }

  private func drawMatrix(
    _ rows: [[Int]], _ labels: [String], on canvas: Canvas, _ area: Area
  ) {
    guard !rows.isEmpty else { return }
    let count = Double(rows.count)
    let (width, height) = (area.width / count, area.height / count)
    let size = rows.count > 12 ? 7.0 : rows.count > 6 ? 9 : 12
    for (i, row) in rows.enumerated() {
      let total = max(row.reduce(0, +), 1)
      for (j, number) in row.enumerated() {
        let share = Double(number) / Double(total)
        func fade(_ full: Int) -> UInt8 { UInt8((255 - share * Double(255 - full)).rounded()) }
        let (x, y) = (area.x + Double(j) * width, area.y + Double(i) * height)
        canvas.fill(
          x: x, y: y, width: width, height: height, color: RGB(fade(0x00), fade(0x72), fade(0xB2)))
        let text = "\(number)"
        canvas.write(
          text, x: x + (width - canvas.width(of: text, size: size)) / 2, y: y + height / 2 + 4,
          size: size, color: share > 0.6 ? .white : Sheet.ink)
      }
      let flow = Self.flow(min(58, rows.count > 6 ? 58 : width - 4), size: size, on: canvas)
      let label = flow.lines(of: i < labels.count ? labels[i] : "", limit: 1).first ?? ""
      let labelWidth = canvas.width(of: label, size: size)
      let below = Self.flow(width - 4, size: size, on: canvas)
      canvas.write(
        label, x: area.x - labelWidth - 6, y: area.y + (Double(i) + 0.5) * height + 4, size: size,
        color: Sheet.ink)
      if rows.count <= 6 {
        let name = below.lines(of: i < labels.count ? labels[i] : "", limit: 1).first ?? ""
        canvas.write(
          name, x: area.x + (Double(i) + 0.5) * width - below.measure(name) / 2,
          y: area.y + area.height + 18, size: size, color: Sheet.ink)
      }
    }
    canvas.frame(
      x: area.x, y: area.y, width: area.width, height: area.height, color: Sheet.grey, thickness: 1)
  }
}
