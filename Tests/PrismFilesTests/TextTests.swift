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
