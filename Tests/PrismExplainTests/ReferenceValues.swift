import Foundation
import PrismTensor
import PrismTestSupport

/// What Python packages made of small images; written by `Tools/fixtures/explanations.py`.
struct ReferenceValues: Decodable {
  struct Lime: Decodable {
    let image: [Float]
    let labels: [Int32]
    /// The segments' numbers and the intercept, for two outputs.
    let values: [[Double]]
    let scores: [Double]
    let bits: [Int]
    let normals: [Double]
  }

  struct Shap: Decodable {
    let shape: [Int]
    let budget: Int
    let seed: UInt64
    let values: [[Double]]
    let base: [Double]
  }

  struct Segments: Decodable {
    let height, width: Int
    let pixels: [Float]
    let quickshift, quickshiftLime, slic, slicConnected, felzenszwalb: [Int32]
  }

  struct Mask: Decodable {
    let grid: [Float]
    let height, width, cells, top, left: Int
    let mask: [Double]
  }

  struct Blur: Decodable {
    let rows, columns: Int
    let values: [Double]
  }

  struct Windows: Decodable {
    let window, stride: Int
    let values: [Double]
  }

  let lime: Lime
  let shap: [Shap]
  let segmentation: Segments
  let rise: Mask
  let blur: [Blur]
  let occlusion: [Windows]

  static func load() throws -> ReferenceValues {
    let url = URL(filePath: Repository.fixtures + "explanations.json")
    return try JSONDecoder().decode(ReferenceValues.self, from: Data(contentsOf: url))
  }

  /// Whole numbers from 0 to 16, as the script makes them.
  static func pixels(_ shape: [Int]) -> Tensor {
    let count = shape.reduce(1, *)
    let numbers = (0..<count).map { (i: Int) -> Float in
      let mixed: Int = i * i * 7 + i * 13 + 5
      return Float(mixed % 17)
    }
    return Tensor(Shape([1] + shape), numbers)
  }

  /// The script's two polynomials.
  static func polynomials(_ shape: [Int]) -> Function {
    Function(Shape([1] + shape)) { x in
      var (first, second) = (0.0, 0.0)
      for i in x.indices {
        first += x[i] * Double(i % 5 - 2)
        second += x[i] * Double(i % 4 - 1)
        if i + 1 < x.count { first += x[i] * x[i + 1] * Double(i % 3 - 1) }
        if i + 3 < x.count { second += x[i] * x[i + 3] * Double(i % 7 - 3) }
      }
      return [first, second]
    }
  }
}
