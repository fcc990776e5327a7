import PrismTestSupport
import Testing

@testable import Prism

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Paired differences with SciPy's p-values; written by `Tools/fixtures/judging.py`.
private struct SignedRanks: Decodable {
  struct Case: Decodable {
    let differences: [Double]
    let p: Double
  }

  let signedRanks: [Case]
}

@Suite("judging methods over data")
struct JudgingTests {
  @Test("the signed-rank test is SciPy's, exact and approximate, with ties and zeros")
  func signedRanks() throws {
    let data = try Data(contentsOf: URL(filePath: Repository.fixtures + "judging.json"))
    for value in try JSONDecoder().decode(SignedRanks.self, from: data).signedRanks {
      let test = SignedRankTest(value.differences)
      #expect(abs(test.p - value.p) < 1e-12, "\(value.differences.count)")
    }
    #expect(SignedRankTest([]).p == 1 && SignedRankTest([0, 0]).p == 1)
    // Five differences of one sign: 2 / 32; of six, 2 / 64. Equal ranks change nothing here.
    #expect(SignedRankTest([1, 1, 1, 1, 1]).p == 0.0625)
    #expect(SignedRankTest([-1, -2, -3, -4, -5, -6]).p == 0.03125)
    #expect(SignedRankTest([1, -1]).p == 1)
  }

  @Test("Holm's correction, by hand")
  func holm() {
    #expect(SignedRankTest.holm([]) == [])
    #expect(SignedRankTest.holm([0.01, 0.04, 0.03, 0.5]) == [0.04, 0.09, 0.09, 0.5])
    #expect(SignedRankTest.holm([0.4, 0.25, 0.9]) == [0.8, 0.75, 0.9])
  }

  /// Two methods over some pictures: the first is better by a little everywhere.
  private func maps(pictures: Int, gain: Double) -> JudgedMaps {
    var maps = JudgedMaps(pictures: pictures, labels: 2, methods: 3)
    for picture in 0..<pictures {
      let base = Double(picture % 5) / 10
      for (method, value) in [base + gain, base, 0.05].enumerated() {
        // The rare label has one picture alone.
        maps.add(.init(picture: picture, label: 0, method: method, values: [.iou: value]))
      }
    }
    maps.add(.init(picture: 0, label: 1, method: 0, values: [.iou: 1, .seconds: 2]))
    maps.add(.init(picture: 9_999, label: 1, method: 0, values: [.iou: 1]))
    return maps
  }

  @Test("means are over labels first, and intervals are of pictures")
  func estimates() throws {
    let maps = maps(pictures: 20, gain: 0.1)
    let found = maps.estimates(of: .iou)
    let first = try #require(found[0])
    // The mean over pictures of label 0 is 0.3, and the only picture of label 1 has 1.
    #expect(abs(first.value - 0.65) < 1e-12 && first.pictures == 20)
    let interval = try #require(first.interval)
    #expect(interval.lowerBound < 0.65 && interval.upperBound >= 0.65)
    #expect(maps.estimates(of: .iou) == found)
    #expect(maps.estimates(of: .iou, seed: 1) != found)
    #expect(found[2]?.interval == nil)
    let rare = maps.estimates(of: .iou, label: 1)
    #expect(rare[0]?.value == 1 && rare[0]?.interval == nil && rare[1] == nil)
    #expect(maps.measures == [.iou, .seconds])
    #expect(maps.estimates(of: .hit) == [nil, nil, nil])
  }

  @Test("a method that is better everywhere is told apart, of enough pictures")
  func pairs() throws {
    let many = maps(pictures: 20, gain: 0.1).pairs(of: .iou)
    #expect(many.map { [$0.first, $0.second] } == [[0, 1], [0, 2], [1, 2]])
    #expect(many[0].better == 0 && abs(many[0].difference - 0.1) < 1e-12)
    // Five pictures can show nothing, whatever they hold.
    #expect(maps(pictures: 5, gain: 0.1).pairs(of: .iou).allSatisfy { $0.better == nil })
    #expect(maps(pictures: 20, gain: 0).pairs(of: .iou)[0].p == 1)
  }

  private func ranking(
    _ values: [[Double]], by measure: MapMeasure = .iou, randomization: [Double]? = nil,
    seconds: [Double]? = nil
  ) -> MethodRanking {
    var maps = JudgedMaps(pictures: values[0].count, labels: 1, methods: values.count)
    for (method, row) in values.enumerated() {
      for (picture, value) in row.enumerated() {
        var measured: [MapMeasure: Double] = [measure: value, .seconds: seconds?[method] ?? 1]
        measured[.randomization] = randomization?[method]
        maps.add(.init(picture: picture, label: 0, method: method, values: measured))
      }
    }
    let titles = ["Alpha", "Beta", "Gamma", "centre of the picture"]
    return MethodRanking(
      maps,
      methods: titles.prefix(values.count).map {
        .init(title: $0, isBaseline: $0.contains("centre"))
      },
      by: measure)
  }

  @Test("the advice: the best of those that lead, beat the baselines and are not much slower")
  func advice() {
    let ramp = (0..<30).map { Double($0) / 100 }
    let good = ramp.map { $0 + 0.4 }
    let alike = zip(good, 0...).map { $1 % 4 < 2 ? $0 - 0.01 : $0 + 0.01 }
    let ranked = ranking([good, alike, ramp.map { $0 + 0.1 }, ramp])
    #expect(ranked.order == [0, 1, 2, 3] && ranked.leaders == [0, 1] && ranked.choice == 0)
    #expect(ranked.unbeaten == [[], [], [], []])
    #expect(
      ranked.advice(pictures: 30).hasPrefix("For this model use Alpha: it leads in mIoU (0.545"))
    #expect(ranked.advice(pictures: 30).hasSuffix("not told apart from it: Beta."))
    // Much faster, and not told apart.
    let fast = ranking([good, alike, ramp.map { $0 + 0.1 }, ramp], seconds: [3, 1, 1, 1])
    #expect(fast.choice == 1 && fast.advice(pictures: 30).contains("takes much longer"))
    // Another measure with another leader is named.
    let other = ranking([ramp, ramp, good, ramp], by: .hit)
    let weighed = ranked.advice(pictures: 30, besides: [other, ranked])
    #expect(weighed.contains("Measures differ: by the hit rate Gamma leads (0.545)."))
    // None is better than the centre: say so, and name it.
    let useless = ranking([ramp, ramp.map { $0 - 0.2 }, ramp, ramp.map { $0 + 0.001 }])
    #expect(useless.choice == nil)
    #expect(useless.advice(pictures: 30).hasPrefix("Do not rely on these maps for this model"))
    #expect(useless.advice(pictures: 30).contains("centre of the picture"))
    // The leader looks at the picture alone.
    let blind = ranking([good, ramp, ramp, ramp], randomization: [0.9, 0.1, 0.1, 1])
    #expect(blind.choice == nil && blind.advice(pictures: 30).contains("hardly changes"))
    // Of two that lead, the better one is blind, and both beat the baselines.
    let seeing = ranking([good, alike, ramp, ramp], randomization: [0.9, 0.1, 0.1, 1])
    #expect(seeing.choice == 1)
    #expect(
      seeing.advice(pictures: 30).contains("unlike it changes when the network is randomised"))
    // The better one is blind, the other does not beat the baselines.
    let noise = zip(good, 0...).map { $1 % 2 == 0 ? $0 + 0.6 : $0 - 0.6 }
    let neither = ranking([good, noise, ramp, ramp], randomization: [0.9, 0.1, 0.1, 1])
    if neither.leaders.contains(1), !neither.unbeaten[1].isEmpty {
      #expect(neither.choice == nil)
      #expect(
        neither.advice(pictures: 30).contains(
          "and Beta, not told apart from it, is not shown to be better"))
    }
    // One that is small is good.
    let small = ranking([ramp, good, good, good], by: .roadMost)
    #expect(small.order.first == 0 && small.choice == 0)
    #expect(small.advice(pictures: 3).hasPrefix("3 pictures are too few"))
  }

  @Test("how many pictures are too few depends on how many pairs are tested")
  func fewPictures() {
    #expect(MethodRanking.fewestPictures(pairs: 1) == 6)
    #expect(MethodRanking.fewestPictures(pairs: 136) == 13)
    // Differences as clear as can be: of seven pictures four methods cannot be told apart, of eight
    // they can.
    func advice(_ count: Int) -> String {
      let base = (0..<count).map { Double($0) / 100 }
      let rows = [0.3, 0.2, 0.1, 0].map { gain in base.map { $0 * (1 + gain) + gain } }
      return ranking(rows).advice(pictures: 100)
    }
    #expect(advice(7).hasPrefix("7 pictures are too few to tell methods apart; judge at least 8"))
    #expect(advice(8).hasPrefix("For this model use Alpha"))
  }

  @Test("every measure has a direction, a title with it, and a meaning")
  func measures() {
    for measure in MapMeasure.allCases {
      let arrow = [.large: "↑", .small: "↓", .neither: ""][measure.better]
      #expect(measure.title.hasSuffix(arrow ?? "?") && !measure.meaning.isEmpty)
      #expect(!measure.meaning.hasSuffix("."))
    }
    #expect(MapMeasure.iou.isBetter(2, than: 1) && MapMeasure.deletion.isBetter(1, than: 2))
    #expect(!MapMeasure.sparseness.isBetter(1, than: 2) && !MapMeasure.iou.isBetter(1, than: 1))
  }
}
