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
    "durations", arguments: [(0.4, "0 s"), (75, "1 min 15 s"), (3900, "1 h 5 min")])
  func duration(seconds: Double, text: String) {
    #expect(NumberText.duration(seconds) == text)
  }

  @Test("columns are aligned, and lines have no blanks at the end")
  func table() {
    #expect(TextTable.lines([["a", "bb"], ["ccc", "d"], ["e"]]) == ["a    bb", "ccc  d", "e"])
  }
}
