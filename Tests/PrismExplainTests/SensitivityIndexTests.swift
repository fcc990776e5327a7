import PrismRuntime
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismExplain

@Suite("Sobol indices and HSIC")
struct SensitivityIndexTests {
  @Test("Sobol's points are SciPy's")
  func sequence() throws {
    let it = try MaskingReferences.load().sequence
    var sequence = try SobolSequence(dimensions: it.dimensions)
    for point in it.points { #expect(sequence.next().map { Int($0 * 32) } == point) }
    #expect(throws: ExplanationError.self) { try SobolSequence(dimensions: 0) }
    #expect(throws: ExplanationError.self) { try SobolSequence(dimensions: 129) }
  }

  @Test("the points of a dimension fall evenly into intervals, far along the sequence")
  func evenness() throws {
    var sequence = try SobolSequence(dimensions: 128)
    var counts = [[Int]](repeating: [Int](repeating: 0, count: 64), count: 128)
    // The point at zero, which is left out, would fill the first interval.
    for _ in 1..<4096 {
      for (d, value) in sequence.next().enumerated() { counts[d][Int(value * 64)] += 1 }
    }
    for d in 0..<128 { #expect(counts[d] == [63] + [Int](repeating: 64, count: 63)) }
  }

  @Test("design and total indices are xplique's")
  func jansen() throws {
    let it = try MaskingReferences.load().indices
    let indices = TotalSobolIndices(dimensions: it.side * it.side, points: it.points)
    let rows = try indices.rows()
    #expect(rows == it.rows && rows.count == indices.evaluations)
    let outputs = rows.map { MaskingReferences.outputs($0.map(Double.init)) }
    for t in 0..<2 {
      let found = indices(outputs.map { $0[t] })
      // xplique computes in Float.
      expectClose(
        Tensor([9], found.values.map { Float($0) }), Tensor([9], it.sobol[t].map { Float($0) }),
        tolerance: 2e-6)
      #expect(found.errors.allSatisfy { $0 >= 0 && $0.isFinite })
    }
  }

  @Test("HSIC is xplique's, masks and numbers")
  func hsic() throws {
    let it = try MaskingReferences.load().indices
    var sequence = try SobolSequence(dimensions: it.side * it.side)
    let kept = (0..<it.samples).map { _ in sequence.next().map { $0 > 0.5 } }
    #expect(kept.map { String($0.map { $0 ? "1" : "0" }) } == it.kept)
    for t in 0..<2 {
      let outputs = kept.map { MaskingReferences.outputs($0.map { $0 ? 1 : 0 })[t] }
      expectClose(
        Tensor([9], HSIC.dependence(of: outputs, on: kept).map { Float($0) }),
        Tensor([9], it.hsic[t].map { Float($0) }), tolerance: 2e-5)
    }
  }

  /// A cell a pixel, of which one, or three of which two work together, matter.
  static let model = Function([1, 4, 4, 1]) { x in [4 * x[5], 3 * x[2] + x[9] * x[10], 7] }

  @Test("what the output does not depend on has the index 0, and the rest is as the formulas say")
  func indices() throws {
    let image = ExplainedImage(Tensor([1, 4, 4, 1], repeating: 1))
    let model = Self.model as any Classifier
    let maps = try Sobol(samples: 1 << 15, cells: 4).explain(
      image, targets: [0, 1, 2], of: model)
    let cells = maps.map { $0.values.scalars.map(Double.init) }
    for c in 0..<16 where c != 5 { #expect(cells[0][c] == 0) }
    #expect(abs(cells[0][5] - 1) < 0.01)
    // Variances of uniform numbers: 9/12 of the sum, 7/144 of the product.
    let total = 9.0 / 12 + 7.0 / 144
    #expect(abs(cells[1][2] - 9.0 / 12 / total) < 0.01)
    for c in [9, 10] { #expect(abs(cells[1][c] - (1.0 / 36) / total) < 0.01) }
    #expect(cells[2].allSatisfy { $0 == 0 })
    #expect(maps[2].diagnostics.contains { $0.hasPrefix("blank map") })
    #expect(maps[1].standardError?.maximum ?? 1 < 0.05)
  }

  @Test("HSIC finds the cells that matter, and gives one that does not next to nothing")
  func dependence() throws {
    let image = ExplainedImage(Tensor([1, 4, 4, 1], repeating: 1))
    let maps = try HSIC(samples: 512, cells: 4).explain(
      image, targets: [0, 1, 2], of: Self.model as any Classifier)
    let first = maps[0].values.scalars
    #expect(first.indices.max { first[$0] < first[$1] } == 5)
    for c in 0..<16 where c != 5 { #expect(abs(first[c]) < 0.02 * first[5]) }
    let second = maps[1].values.scalars
    let order = second.indices.sorted { second[$0] > second[$1] }
    #expect(order[0] == 2 && Set(order[1...2]) == [9, 10])
    #expect(maps[2].values.isZero)
  }

  @Test("fewer samples make a coarser grid and say so, and far too few are an error")
  func fewSamples() throws {
    let image = ExplainedImage(Tensor([1, 4, 4, 1], repeating: 1))
    let model = Self.model as any Classifier
    let map = try Sobol(samples: 80).explain(image, targets: [0], of: model)[0]
    #expect(map.evaluations == 80 && map.diagnostics.contains { $0.contains("3×3") })
    for samples in [-1, 0, 15] {
      #expect(throws: ExplanationError.self) {
        try Sobol(samples: samples).explain(image, targets: [0], of: model)
      }
    }
    for samples in [-1, 3, 9000] {
      #expect(throws: ExplanationError.self) {
        try HSIC(samples: samples).explain(image, targets: [0], of: model)
      }
    }
    for cells in [0, 9] {
      #expect(throws: ExplanationError.self) {
        try Sobol(cells: cells).explain(image, targets: [0], of: model)
      }
    }
  }
}
