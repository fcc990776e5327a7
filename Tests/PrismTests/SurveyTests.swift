import PrismTestSupport
import Testing

@testable import Prism

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Points with scikit-learn's clusters; written by `Tools/fixtures/judging.py`.
private struct Spectra: Decodable {
  struct Case: Decodable {
    let points: [Double]
    let count, neighbours, clusters: Int
    let eigenvalues: [Double]
    let labels: [Int]
  }

  let spectrum: [Case]
}

@Suite("grouping maps over data")
struct SurveyTests {
  @Test("eigenvalues are SciPy's, clusters scikit-learn's, and their number is told by the gap")
  func spectrum() throws {
    let data = try Data(contentsOf: URL(filePath: Repository.fixtures + "judging.json"))
    for value in try JSONDecoder().decode(Spectra.self, from: data).spectrum {
      let width = value.points.count / value.count
      let points = (0..<value.count).map { Array(value.points[$0 * width..<($0 + 1) * width]) }
      let found = try SpectralClustering(points, neighbours: value.neighbours)
      for (own, other) in zip(found.eigenvalues, value.eigenvalues) {
        #expect(abs(own - other) < 1e-9)
      }
      #expect(found.count == value.clusters)
      let pairs = Set(zip(found.labels, value.labels).map { [$0, $1] })
      #expect(pairs.count == value.clusters)
      #expect(try SpectralClustering(points, neighbours: value.neighbours).labels == found.labels)
    }
  }

  @Test("few points are one group, and too many are refused")
  func ends() throws {
    #expect(try SpectralClustering([]).count == 0)
    #expect(try SpectralClustering([[1], [2], [3]]).labels == [0, 0, 0])
    let alike = try SpectralClustering([[Double]](repeating: [1, 0], count: 9))
    #expect(alike.labels.count == 9)
    #expect(throws: ExplanationError.self) {
      try SpectralClustering([[1], [2], [.nan], [3], [4]])
    }
    #expect(throws: ExplanationError.self) {
      try SpectralClustering([[Double]](repeating: [0], count: SpectralClustering.limit + 1))
    }
  }

  private static let side = 16

  /// Maps of blobs anywhere, with noise; every third one points at a corner, where wanted.
  private func maps(_ count: Int, seed: UInt64, planted: Bool) -> [[Double]] {
    var random = SeededRandom(seed: seed)
    return (0..<count).map { number in
      let isPlanted = planted && number % 3 == 0
      let (y, x, width) =
        isPlanted
        ? (1.0, 14.0, 1.2)
        : (Double(random.uniform()) * 15, Double(random.uniform()) * 15, 2.5)
      return (0..<Self.side * Self.side).map { cell in
        let (down, right) = (Double(cell / Self.side) - y, Double(cell % Self.side) - x)
        let blob = max(0, 1 - (down * down + right * right) / (4 * width * width))
        return blob + 0.1 * Double(random.uniform())
      }
    }
  }

  @Test("a planted place is found, whole and alone", arguments: 0..<10 as Range<UInt64>)
  func planted(seed: UInt64) throws {
    let maps = maps(60, seed: seed, planted: true)
    let groups = try MapGroups(maps, rows: Self.side, columns: Self.side, seed: seed)
    let suspect = try #require(groups.groups.max { $0.fixedness < $1.fixedness })
    #expect(suspect.fixedness > 0.6, "\(suspect.fixedness)")
    let found = suspect.pointing
    #expect(suspect.selectivity > 0.6)
    let right = found.count { $0 % 3 == 0 }
    #expect(Double(right) / 20 >= 0.9 && Double(right) / Double(found.count) >= 0.9)
    // The place is the corner at the top right.
    let cells = suspect.place.indices.filter { suspect.place[$0] }
    #expect(cells.allSatisfy { $0 / Self.side < 6 && $0 % Self.side > 9 })
    #expect(suspect.inside > 0.3 && suspect.outside < 0.1)
  }

  @Test("nothing is found where nothing is", arguments: 0..<10 as Range<UInt64>)
  func clean(seed: UInt64) throws {
    var random = SeededRandom(seed: seed &+ 100)
    let noise = (0..<60).map { _ in
      (0..<Self.side * Self.side).map { _ in Double(random.normal()) }
    }
    for maps in [noise, maps(60, seed: seed, planted: false)] {
      let groups = try MapGroups(maps, rows: Self.side, columns: Self.side, seed: seed)
      let highest = groups.groups.map(\.fixedness).max() ?? 0
      #expect(highest < 0.45, "\(highest)")
      #expect(groups.groups.flatMap(\.members).sorted() == Array(maps.indices))
    }
  }

  @Test(
    "a place counts for as much as it is the label's own", arguments: 0..<10 as Range<UInt64>)
  func selectivity(seed: UInt64) throws {
    // A third of the maps of every label point at one place, as birds sit at the top.
    let common = (0..<3).map { maps(120, seed: 10 * seed + $0, planted: true) }
    let usual = try MapGroups(
      common[0], others: common[1] + common[2], rows: Self.side, columns: Self.side, seed: seed)
    let highest = usual.groups.map { $0.fixedness * $0.selectivity }.max() ?? 0
    #expect(highest < 0.15, "\(highest)")
    // In large groups much points elsewhere too; the place is found in maps of all groups.
    let others = maps(120, seed: 10 * seed + 3, planted: false)
    let planted = try MapGroups(
      common[0], others: others, rows: Self.side, columns: Self.side, seed: seed)
    let suspect = try #require(
      planted.groups.max { $0.fixedness * $0.selectivity < $1.fixedness * $1.selectivity })
    #expect(suspect.fixedness * suspect.selectivity > 0.5)
    #expect(suspect.pointing.count { $0 % 3 == 0 } >= 36)
    #expect(suspect.pointing.count <= 44)
  }

  @Test("a mark in all pictures of a label shows against the maps of other labels")
  func everywhere() throws {
    let all = maps(90, seed: 3, planted: true)
    let marked = all.indices.filter { $0 % 3 == 0 }.map { all[$0] }
    let others = maps(60, seed: 4, planted: false)
    let groups = try MapGroups(marked, others: others, rows: Self.side, columns: Self.side)
    #expect(groups.groups.contains { $0.fixedness > 0.6 })
    // Aligned, the mean points at the middle.
    let aligned = try #require(groups.groups.first?.aligned)
    let peak = try #require(aligned.indices.max { aligned[$0] < aligned[$1] })
    #expect(abs(peak / Self.side - 8) < 3 && abs(peak % Self.side - 8) < 3)
  }

  @Test("a map unlike all others is an outlier")
  func outlier() throws {
    var maps: [[Double]] = (0..<30).map { number in
      let shade = Double(number) / 1000
      return (0..<64).map { cell -> Double in (cell + number % 2) % 8 < 4 ? 1 + shade : shade }
    }
    var lonely = [Double](repeating: 0, count: 64)
    lonely[63] = 1
    maps.append(lonely)
    #expect(try MapGroups(maps, rows: 8, columns: 8).outliers.first == 30)
  }
}
