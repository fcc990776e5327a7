internal import PrismTensor

/// The border of a region, as straight lines in shares of a picture's extents.
struct Outline {
  /// A line along the border.
  struct Line: Equatable {
    var from: (x: Double, y: Double)
    var to: (x: Double, y: Double)

    static func == (a: Line, b: Line) -> Bool { a.from == b.from && a.to == b.to }
  }

  /// Lines that are as long as they can be, along rows first.
  let lines: [Line]

  /// Finds the border of a region.
  ///
  /// The lines run between elements inside and outside; the region's edge at the picture's edge
  /// counts too. There are none where the region has no two axes.
  ///
  /// - Parameters:
  ///   - region: Not zero inside, `[H, W]` of any size.
  ///   - area: Where in the picture the region's elements lie.
  init(of region: Tensor, in area: PictureArea = .whole) {
    guard region.shape.rank == 2, region.count > 0 else {
      lines = []
      return
    }
    let (height, width) = (region.shape[0], region.shape[1])
    let inside = region.scalars.map { $0 != 0 }
    func isInside(_ x: Int, _ y: Int) -> Bool {
      (0..<width).contains(x) && (0..<height).contains(y) && inside[y * width + x]
    }
    func place(_ x: Int, _ y: Int) -> (x: Double, y: Double) {
      (
        area.x + Double(x) / Double(width) * area.width,
        area.y + Double(y) / Double(height) * area.height
      )
    }
    let level = (0...height).flatMap { y in
      Self.runs(width) { isInside($0, y) != isInside($0, y - 1) }.map { run in
        Line(from: place(run.lowerBound, y), to: place(run.upperBound, y))
      }
    }
    let upright = (0...width).flatMap { x in
      Self.runs(height) { isInside(x, $0) != isInside(x - 1, $0) }.map { run in
        Line(from: place(x, run.lowerBound), to: place(x, run.upperBound))
      }
    }
    lines = level + upright
  }

  /// The longest runs of neighbours with a property.
  private static func runs(_ count: Int, _ property: (Int) -> Bool) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    var start: Int?
    for i in 0...count {
      let holds = i < count && property(i)
      if holds, start == nil { start = i }
      if !holds, let first = start {
        runs.append(first..<i)
        start = nil
      }
    }
    return runs
  }

  /// Adds the border over a picture, white with a dark rim that shows on light ground.
  func draw(
    on sheet: inout Sheet, x: Double, y: Double, width: Double, height: Double, thickness: Double
  ) {
    guard !lines.isEmpty else { return }
    let placed = lines.map { line in
      (
        from: (x: x + line.from.x * width, y: y + line.from.y * height),
        to: (x: x + line.to.x * width, y: y + line.to.y * height)
      )
    }
    sheet.add { canvas in
      canvas.lines(placed, color: Sheet.ink, thickness: 2.2 * thickness)
      canvas.lines(placed, color: .white, thickness: thickness)
    }
  }

  /// The border as the path of an SVG picture of the given extents.
  func path(width: Int, height: Int) -> String {
    func number(_ value: Double, _ extent: Int) -> String {
      "\((value * Double(extent) * 100).rounded() / 100)"
    }
    return lines.map { line in
      "M\(number(line.from.x, width)) \(number(line.from.y, height))"
        + "L\(number(line.to.x, width)) \(number(line.to.y, height))"
    }.joined()
  }
}
