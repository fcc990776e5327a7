import Foundation
import PrismTestSupport

/// What Python packages made of masks; written by `Tools/fixtures/masking.py`.
struct MaskingReferences: Decodable {
  struct Sequence: Decodable {
    let dimensions: Int
    /// In thirty-seconds.
    let points: [[Int]]
  }

  struct Indices: Decodable {
    let side, points, samples: Int
    let rows: [[Float]]
    let kept: [String]
    let sobol, hsic: [[Double]]
  }

  struct Shapley: Decodable {
    let features: Int
    let exact: [[Double]]
    let orders: [[Int]]
    let sampled: [[Double]]
  }

  struct Extremal: Decodable {
    struct Case: Decodable {
      let steps: Int
      let mirrored: Bool
      let mask: [Double]
    }

    let height, width, spacing, kept: Int
    let image, weights, head: [Float]
    let cases: [Case]
  }

  let sequence: Sequence
  let indices: Indices
  let shapley: Shapley
  let extremal: Extremal

  static func load() throws -> MaskingReferences {
    let url = URL(filePath: Repository.fixtures + "masking.json")
    return try JSONDecoder().decode(MaskingReferences.self, from: Data(contentsOf: url))
  }

  /// The script's two functions of a mask.
  static func outputs(_ mask: [Double]) -> [Double] {
    var (first, bend, second) = (0.0, 0.0, 3.0)
    for i in mask.indices {
      first += mask[i] * Double(i % 5 - 2)
      bend += mask[i] * Double(i % 4 - 1)
      if i + 1 < mask.count { first += mask[i] * mask[i + 1] * Double(i % 3 - 1) }
    }
    second += max(bend, 0) + mask[0] * mask[mask.count - 1]
    return [first, second]
  }
}
