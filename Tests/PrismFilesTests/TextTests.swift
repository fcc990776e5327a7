import Testing

@testable import PrismFiles

@Suite("nearest names")
struct NearestNameTests {
  @Test("a lost or gained prefix is recognised")
  func prefixes() {
    #expect(
      Text.nearest(to: "features.0.weight", among: ["a", "module.features.0.weight"])
        == "module.features.0.weight")
    #expect(Text.nearest(to: "base.a.weight", among: ["a.weight", "b.weight"]) == "a.weight")
    #expect(Text.nearest(to: "features.0.weight", among: ["classifier.bias"]) == nil)
    #expect(editDistance(Array("kitten".utf8), Array("sitting".utf8)) == 3)
  }
}

@Suite("Numbers for people")
struct NumberTextTests {
  @Test(
    "durations are said as one would",
    arguments: [
      (0.000321, "< 1 ms"), (0.0124, "12 ms"), (0.9999, "1.0 s"), (3.44, "3.4 s"),
      (59.97, "1 min 0 s"),
      (125, "2 min 5 s"), (.nan, ""), (-1, ""),
    ] as [(Double, String)])
  func durations(seconds: Double, text: String) {
    #expect(Text.duration(seconds) == text)
  }

  @Test("what is smaller than what is known is not written out")
  func least() {
    #expect(Text.number(3.6e-13, least: 1e-6) == "< 10⁻⁶")
    #expect(Text.number(-3.6e-13, least: 1e-6) == "< 10⁻⁶")
    #expect(Text.number(0, least: 1e-6) == "0")
    #expect(Text.number(0.25, least: 1e-6) == "0.250")
  }

  @Test("text from outside stays on one line")
  func printable() {
    #expect(Text.quoted("a\nb\u{7}") == "\"a\\u{a}b\\u{7}\"")
    #expect(Text.printable(String(repeating: "x", count: 1000)).count == 261)
    #expect("<a href=\"x\">&".escapedForHTML == "&lt;a href=&quot;x&quot;&gt;&amp;")
  }
}
