internal import PrismTensor

/// Which segments are on in each of many samples: one bit a segment and sample.
struct Coalitions: Sendable {
  /// The number of segments.
  let segments: Int
  private let words: Int
  private var bits: [UInt64] = []

  init(segments: Int) {
    self.segments = segments
    words = (segments + 63) / 64
  }

  /// The first samples.
  func prefix(_ count: Int) -> Coalitions {
    var result = self
    result.bits.removeLast((self.count - count) * words)
    return result
  }

  /// The number of samples.
  var count: Int { bits.count / words }

  /// Adds a sample with the segments on for which a closure says yes, asked in ascending order.
  mutating func append(_ isOn: (Int) -> Bool) {
    let start = bits.count
    bits.append(contentsOf: repeatElement(0, count: words))
    for j in 0..<segments where isOn(j) { bits[start + j / 64] |= 1 << UInt64(j % 64) }
  }

  /// Adds the complement of the last sample.
  mutating func appendComplement() {
    let (last, drawn) = (count - 1, self)
    append { !drawn[last, $0] }
  }

  subscript(sample: Int, segment: Int) -> Bool {
    bits[sample * words + segment / 64] >> UInt64(segment % 64) & 1 == 1
  }

  /// The segments that are on in a sample, in ascending order.
  func active(_ sample: Int) -> [Int] { (0..<segments).filter { self[sample, $0] } }

  /// `Σ w x xᵀ` and `Σ w x` over the samples.
  func moments(weights: [Double]) -> (products: [Double], sums: [Double]) {
    var products = [Double](repeating: 0, count: segments * segments)
    var sums = [Double](repeating: 0, count: segments)
    for sample in 0..<count {
      let (on, weight) = (active(sample), weights[sample])
      for (k, i) in on.enumerated() {
        sums[i] += weight
        for j in on[...k] { products[i * segments + j] += weight }
      }
    }
    for i in 0..<segments {
      for j in 0..<i { products[j * segments + i] = products[i * segments + j] }
    }
    return (products, sums)
  }
}

extension Segmentation {
  /// A map of the segments' standard errors, or nothing where they are not known.
  func errorMap(_ values: [Double]) -> Tensor? {
    values.allSatisfy(\.isFinite) ? map(values) : nil
  }
}

/// Images in which the segments that are off in a sample are masked.
struct SegmentedImage: Sendable {
  let masked: MaskedImage
  let segmentation: Segmentation

  init(_ image: ExplainedImage, masker: Masker, segmentation: Segmentation)
    throws(ExplanationError)
  {
    try segmentation.check(for: image)
    guard segmentation.count >= 2 else { throw .tooFewSegments(segmentation.count) }
    self.segmentation = segmentation
    masked = try MaskedImage(image, masker: masker, segmentation: segmentation)
  }

  /// Writes the image of a sample.
  func write(_ target: UnsafeMutablePointer<Float>, _ coalitions: Coalitions, sample: Int) {
    let isOn = (0..<coalitions.segments).map { coalitions[sample, $0] }
    let labels = segmentation.labels
    masked.write(target) { isOn[Int(labels[$0])] }
  }
}
