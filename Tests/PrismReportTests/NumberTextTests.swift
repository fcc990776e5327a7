import PrismReport
import Testing

@Suite("numbers as text")
struct NumberTextTests {
  @Test(
    "a share in hundredths of a percent",
    arguments: [(0.99823, "99.82 %"), (1, "100.00 %"), (0.00004, "0.00 %"), (0.0506, "5.06 %")])
  func percent(share: Double, text: String) {
    #expect(NumberText.percent(share) == text)
    #expect(NumberText.percent(share, isAligned: true).count == max(text.count, 8))
  }

  @Test(
    "significant digits",
    arguments: [
      (0.00032144, 2, "0.00032"), (1234.5, 3, "1230"), (0, 4, "0.0"), (-2.0449, 3, "-2.04"),
    ])
  func significant(value: Double, digits: Int, text: String) {
    #expect(NumberText.significant(value, digits: digits) == text)
  }

  @Test(
    "decimals",
    arguments: [(1.5, 2, "1.50"), (-0.0004, 3, "0.000"), (-0.05, 2, "-0.05"), (0.999, 2, "1.00")])
  func fixed(value: Double, digits: Int, text: String) {
    #expect(NumberText.fixed(value, digits: digits) == text)
  }

  @Test(
    "durations", arguments: [(0.4, "0 s"), (75, "1 min 15 s"), (3900, "1 h 5 min")])
  func duration(seconds: Double, text: String) {
    #expect(NumberText.duration(seconds) == text)
  }

  @Test("columns are aligned, and lines have no blanks at the end")
  func table() {
    #expect(TextTable.lines([["a", "bb"], ["ccc", "d"], ["e"]]) == ["a    bb", "ccc  d", "e"])
  }
}
