import PrismTensor
import Testing

@testable import PrismExplain

@Suite("integrals along a way that bends")
struct BendingPathTests {
  /// A look at a way of two numbers per point, whose slopes are given piece by piece.
  private static func look(
    _ positions: [Double], bends: [Double], slopes: [[Double]]
  ) -> [BendingPath.Look] {
    positions.map { t in
      let piece = bends.count { $0 <= t }
      var output = 0.0
      var start = 0.0
      for (index, slope) in slopes.enumerated() where start < t {
        let end = index < bends.count ? min(bends[index], t) : t
        output += (end - start) * slope.reduce(0, +)
        start = end
      }
      return BendingPath.Look(
        position: t, output: output, map: slopes[piece].map { Float($0) },
        slope: slopes[piece].reduce(0, +))
    }
  }

  @Test("a bend in each piece is located, and the integral is exact")
  func located() throws {
    // Bends inside different sixteenths of the way; halving these shows that there is but one.
    let bends = [0.1, 0.33, 0.712]
    let slopes = [[1.0, 2.0], [4, -2], [-3, 0.5], [6, 7]]
    func look(_ positions: [Double]) -> [BendingPath.Look] {
      Self.look(positions, bends: bends, slopes: slopes)
    }
    var path = try BendingPath(look: look)
    try path.refine(tolerance: 1e-9, limit: 200, look: look)
    #expect(path.looks.count <= BendingPath.firstPieces + 4)
    #expect(path.wildness < BendingPath.mostUncertainty)
    for channel in 0..<2 {
      let lengths = [0.1, 0.23, 0.382, 0.288]
      let exact = zip(lengths, slopes).reduce(0) { $0 + $1.0 * $1.1[channel] }
      #expect(abs(path.map[channel] - exact) < 1e-6)
    }
  }

  @Test("several bends in a piece are told apart by halving it, and no other")
  func halved() throws {
    let bends = [0.401, 0.41, 0.42, 0.43]
    let slopes = [[0.0, 1.0], [30, 1], [-70, 1], [90, 1], [0, 1]]
    func look(_ positions: [Double]) -> [BendingPath.Look] {
      Self.look(positions, bends: bends, slopes: slopes)
    }
    var path = try BendingPath(look: look)
    #expect(path.wildness > 0.1)
    try path.refine(tolerance: 0.01, limit: 100, look: look)
    #expect(path.wildness <= BendingPath.mostUncertainty)
    let between = path.looks.count { (0.375...0.4375).contains($0.position) }
    #expect(between > 2)
    #expect(path.looks.count < BendingPath.firstPieces + 40)
    let exact = 30 * 0.009 - 70 * 0.01 + 90 * 0.01
    #expect(abs(path.map[0] - exact) < 0.1)
    #expect(abs(path.map.reduce(0, +) - path.difference) <= 0.011 * path.difference)
  }

  @Test("a way that bends everywhere is called wild, within the limit")
  func wild() throws {
    func look(_ positions: [Double]) -> [BendingPath.Look] {
      positions.map { t in
        // Looks on a grid of powers of two see one slope, and the output another.
        let slope = 1 + 40 * sine(1e4 * t)
        return BendingPath.Look(
          position: t, output: t + 40 * (1 - cosine(1e4 * t)) / 1e4, map: [Float(slope)],
          slope: slope)
      }
    }
    var path = try BendingPath(look: look)
    try path.refine(tolerance: 0.01, limit: 60, look: look)
    #expect(path.looks.count == 60)
    #expect(path.looks.map(\.position) == path.looks.map(\.position).sorted())
    #expect(path.wildness > BendingPath.mostUncertainty)
  }
}
