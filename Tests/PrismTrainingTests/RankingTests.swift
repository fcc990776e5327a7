import PrismTraining
import Testing

@Suite("ranking")
struct RankingTests {
  @Test("equal scores share a point of the curve")
  func ties() {
    let ranking = Ranking(scores: [0.5, 0.5, 0.5, 0.5], truths: [true, false, true, false])
    #expect(ranking.areaUnderROC() == 0.5)
    #expect(ranking.averagePrecision() == 0.5)
    #expect(ranking.equalErrorRate() == 0.5)
  }

  @Test("one kind of samples has no area")
  func oneKind() {
    let ranking = Ranking(scores: [0.1, 0.9], truths: [true, true])
    #expect(ranking.areaUnderROC() == nil && ranking.equalErrorRate() == nil)
    #expect(ranking.averagePrecision() == 1)
    #expect(ranking.rocCurve().isEmpty)
  }
}
