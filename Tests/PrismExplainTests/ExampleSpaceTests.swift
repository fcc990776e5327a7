import PrismKernels
import PrismTensor
import Testing

@testable import PrismExplain

@Suite("examples")
struct ExampleSpaceTests {
  static func points(_ count: Int, seed: UInt64 = 1) -> [[Float]] {
    var random = SeededRandom(seed: seed)
    return (0..<count).map { n in (0..<5).map { _ in random.normal() + Float(n % 3) * 4 } }
  }

  @Test("the nearest are those of the definition, by both distances", arguments: [true, false])
  func nearest(isCosine: Bool) throws {
    let points = Self.points(40)
    let space = try ExampleSpace(points, distance: isCosine ? .cosine : .euclidean)
    let query = Self.points(1, seed: 9)[0]
    func length(_ a: [Float]) -> Double {
      a.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }
    let direct = points.map { point -> Double in
      let product = zip(point, query).reduce(0) { $0 + Double($1.0) * Double($1.1) }
      return isCosine
        ? 1 - product / length(point) / length(query)
        : length(zip(point, query).map { $0 - $1 })
    }
    let found = try space.nearest(to: query, count: 7)
    let order = direct.indices.sorted { direct[$0] < direct[$1] }
    #expect(found.map(\.index) == Array(order.prefix(7)))
    for neighbour in found { #expect(abs(neighbour.distance - direct[neighbour.index]) < 1e-6) }
    #expect(try space.nearest(to: points[11], count: 1).map(\.index) == [11])
    #expect(try space.nearest(to: query, count: 100).count == 40)
  }

  @Test("prototypes are chosen as the definition has it, one of each heap first")
  func prototypes() throws {
    let points = Self.points(30)
    let space = try ExampleSpace(points, distance: .euclidean)
    let members = Array(0..<30)
    let chosen = try space.prototypes(of: members, count: 5)
    #expect(Set(chosen.prefix(3).map { $0 % 3 }) == [0, 1, 2])
    // The objective, written out.
    func distance(_ a: Int, _ b: Int) -> Double {
      zip(points[a], points[b]).reduce(0) {
        $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
      }.squareRoot()
    }
    let apart = members.flatMap { a in (a + 1..<30).map { distance(a, $0) } }.sorted()
    let width = apart[apart.count / 2]
    func kernel(_ a: Int, _ b: Int) -> Double {
      let d = distance(a, b)
      return exponential(-d * d / (2 * width * width))
    }
    func objective(_ some: [Int]) -> Double {
      let m = Double(some.count)
      let all = some.reduce(0.0) { sum, s in sum + members.reduce(0) { $0 + kernel($1, s) } }
      let among = some.reduce(0.0) { sum, s in sum + some.reduce(0) { $0 + kernel($1, s) } }
      return 2 * all / (30 * m) - among / (m * m)
    }
    for m in 1...5 {
      let before = Array(chosen.prefix(m - 1))
      let best = members.filter { !before.contains($0) }.map { objective(before + [$0]) }.max() ?? 0
      #expect(abs(objective(Array(chosen.prefix(m))) - best) < 1e-9)
    }
    #expect(try space.prototypes(of: [4, 8], count: 5).sorted() == [4, 8])
    #expect(try space.prototypes(of: [], count: 5).isEmpty)
  }

  @Test("the same for one thread and two; many members are thinned out evenly")
  func determinism() throws {
    let space = try ExampleSpace(Self.points(1500))
    let threads = Workers.count
    defer { Workers.count = threads }
    Workers.count = 1
    let first = try space.prototypes(of: Array(0..<1500), count: 4)
    Workers.count = 2
    #expect(try space.prototypes(of: Array(0..<1500), count: 4) == first)
  }

  @Test("points that are no points of one space are errors")
  func errors() throws {
    for points in [[], [[]], [[1, 2], [1]], [[.nan]], [[.infinity]]] as [[[Float]]] {
      #expect(throws: ExplanationError.self) { try ExampleSpace(points) }
    }
    let space = try ExampleSpace([[1, 2], [0, 0]])
    for point in [[], [1], [.nan, 1]] as [[Float]] {
      #expect(throws: ExplanationError.self) { try space.nearest(to: point, count: 1) }
    }
    // An example at zero is as far as one at a right angle.
    #expect(try space.nearest(to: [1, 2], count: 2).map(\.distance)[1] == 1)
  }
}
