import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismMedia

@Suite("comparison figure")
struct ComparisonFigureTests {
  static let image = Image(width: 40, height: 20, filledWith: RGB(90, 120, 60))
  static let positive = Tensor([2, 4], [0, 1, 2, 3, 0, 0, 0, 1])
  static let signed = Tensor([2, 4], [-5, 1, 2, 3, 0, 0, 0, 1])

  static func figure(title: String = "a.png") -> ComparisonFigure {
    func cell(_ map: Tensor, _ segments: [Int32]? = nil) -> ComparisonFigure.Cell {
      ComparisonFigure.Cell(map: map, captions: ["1 s"], segments: segments)
    }
    return ComparisonFigure(
      image: image, title: title, subtitle: "model", columns: ["A", "B", "C"],
      rows: [
        .init(
          label: "one", probability: 0.5,
          cells: [
            cell(positive), cell(signed), cell(Tensor([2, 4]), [0, 0, 1, 1, 0, 0, 1, 1]),
          ]),
        .init(
          label: "two", probability: nil,
          cells: [cell(positive * 2), cell(positive), cell(Tensor([2, 4]))]),
      ],
      tables: [.init(title: "Numbers", header: ["method", "x"], rows: [["A", "1"], ["B", "2"]])])
  }

  @Test("a column has one scale, as far below zero as above where a map is signed")
  func ranges() {
    let figure = Self.figure()
    func ranges(_ column: Int) -> [MapRange?] { figure.scale(ofColumn: column).ranges }
    #expect(ranges(0) == [MapRange(lower: 0, upper: 6), MapRange(lower: 0, upper: 6)])
    #expect(ranges(1) == [MapRange(lower: -5, upper: 5), MapRange(lower: -5, upper: 5)])
    #expect(ranges(2).allSatisfy { $0?.isFlat == true })
    #expect((0..<3).allSatisfy { figure.scale(ofColumn: $0).isShared })
    #expect(figure.shownNotes.isEmpty)
  }

  @Test("maps that differ by orders of magnitude, or lie far from zero, have their own scales")
  func ownScales() throws {
    var figure = Self.figure()
    figure.rows[1].cells[0].map = Self.positive * 20
    figure.rows[0].cells[1].map = Self.positive.map { 10 + $0 }
    #expect(
      figure.scale(ofColumn: 0)
        == .init(
          ranges: [MapRange(lower: 0, upper: 3), MapRange(lower: 0, upper: 60)], isShared: false))
    #expect(!figure.scale(ofColumn: 1).isShared)
    #expect(figure.shownNotes.count == 2 && figure.shownNotes[0].hasPrefix("A: every map has"))
    let own = try figure.rendered()
    #expect(try own.height > Self.figure().rendered().height)
    #expect(try figure.html().contains("the median"))
  }

  @Test("a spectrogram's axes and a region's border are drawn")
  func axes() throws {
    let plain = try Self.figure().rendered()
    var figure = Self.figure()
    figure.axes = FigureAxes(times: 1...3, frequencies: (0...20).map { Double($0) * 400 })
    figure.outline = Tensor([2, 2], [1, 0, 0, 0])
    let image = try figure.rendered()
    #expect(image.width > plain.width && image.height > plain.height)
    let page = try figure.html()
    #expect(
      page.contains("const axes = {from:1.0,to:3.0,begin:1.0,end:3.0,frequencies:[0.0,400.0,"))
    // Over both pictures and six maps.
    #expect(page.ranges(of: "class=\"line\"").count == 8)
    figure.axes?.frequencies = []
    #expect(throws: ImageError.self) { try figure.rendered() }
  }

  @Test("rows and tables with gaps are errors, and names that are too long end in time")
  func malformed() throws {
    var figure = Self.figure()
    figure.rows[0].cells.removeLast()
    #expect(throws: ImageError.self) { try figure.rendered() }
    #expect(throws: ImageError.self) { try figure.html() }
    figure = Self.figure()
    figure.tables[0].rows[0].append("x")
    #expect(throws: ImageError.self) { try figure.pdfData() }
    figure = Self.figure(title: String(repeating: "日本語ラベル，長い", count: 60))
    figure.columns[2] = String(repeating: "a long name ", count: 30)
    figure.rows[0].label = String(repeating: "Käse / Brot", count: 90)
    figure.tables[0].header[1] = String(repeating: "x", count: 900)
    figure.tables[0].notes = [String(repeating: "what it means ", count: 99)]
    let image = try figure.rendered()
    #expect(image.width < 2000)
    for y in 0..<image.height { #expect(image[image.width - 3, y] == .white) }
  }

  @Test("the figure is drawn, as pixels and as a page, the same in every run")
  func rendering() throws {
    let figure = Self.figure()
    let image = try figure.rendered()
    #expect(image.width > 4 * 264 && image.height > 300)
    #expect(Set(image.pixels).count > 20)
    #expect(try figure.rendered() == image)
    let page = try figure.pdfData()
    #expect(page.starts(with: Array("%PDF".utf8)))
    #expect(try figure.pdfData() == page)
  }

  @Test("borders of segments stand where the labels change")
  func borders() throws {
    let cell = Self.figure().rows[0].cells[2]
    let drawn = try ComparisonFigure.drawn(cell, over: Self.image, range: nil)
    for y in [0, 10, 19] {
      #expect(drawn[19, y] != Self.image[19, y])
      for x in [0, 18, 20, 39] { #expect(drawn[x, y] == Self.image[x, y]) }
    }
  }

  @Test("the HTML page holds all numbers, and texts as texts")
  func html() throws {
    let page = try Self.figure(title: "<script>alert(1)</script>").html()
    #expect(!page.contains("<script>alert"))
    #expect(page.contains("&lt;script&gt;alert(1)"))
    #expect(page.ranges(of: "data-map=").count == 6)
    // 0, 1, 2, 3, 0, 0, 0, 1 as little-endian floating-point numbers.
    #expect(page.contains("AAAAAAAAgD8AAABAAABAQAAAAAAAAAAAAAAAAAAAgD8="))
    #expect(page.contains("data-low=\"-5.0\" data-high=\"5.0\" data-colors=\"signed\""))
    #expect(page.contains("<td>A</td><td>1</td>"))
  }
}
