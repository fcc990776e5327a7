import Testing

@testable import PrismFiles

@Suite("nearest names")
struct NearestNameTests {
  @Test("a lost or gained prefix is recognised")
  func prefixes() {
    #expect(
      nearestName(to: "features.0.weight", among: ["a", "module.features.0.weight"])
        == "module.features.0.weight")
    #expect(nearestName(to: "base.a.weight", among: ["a.weight", "b.weight"]) == "a.weight")
    #expect(nearestName(to: "features.0.weight", among: ["classifier.bias"]) == nil)
    #expect(editDistance(Array("kitten".utf8), Array("sitting".utf8)) == 3)
  }
}
