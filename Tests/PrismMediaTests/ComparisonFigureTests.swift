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
    #expect(figure.range(ofColumn: 0) == MapRange(lower: 0, upper: 6))
    #expect(figure.range(ofColumn: 1) == MapRange(lower: -5, upper: 5))
    #expect(figure.range(ofColumn: 2)?.isFlat == true)
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
  func borders() {
    let cell = Self.figure().rows[0].cells[2]
    let drawn = ComparisonFigure.drawn(cell, over: Self.image, range: nil)
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
