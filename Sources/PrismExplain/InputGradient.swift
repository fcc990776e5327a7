internal import PrismAutodiff
internal import PrismRuntime
internal import PrismTensor

/// How a gradient's channels become one number a pixel.
public enum ChannelReduction: String, Sendable, CaseIterable {
  /// The largest magnitude of any channel.
  case largestMagnitude
  /// The sum of the magnitudes.
  case sumOfMagnitudes
  /// The sum, signed.
  case sum

  /// One number a pixel, in Double: `[1, H, W, C]` to H · W numbers.
  func callAsFunction(_ gradient: Tensor) -> [Double] {
    let channels = gradient.shape[3]
    return gradient.withUnsafePointer { g in
      (0..<gradient.count / channels).map { p in
        let pixel = p * channels..<(p + 1) * channels
        switch self {
        case .largestMagnitude: return pixel.reduce(0) { max($0, Double(abs(g[$1]))) }
        case .sumOfMagnitudes: return pixel.reduce(0) { $0 + Double(abs(g[$1])) }
        case .sum: return pixel.reduce(0) { $0 + Double(g[$1]) }
        }
      }
    }
  }
}

/// Gradients of logits at a classifier's input.
struct InputGradient {
  let classifier: any DifferentiableClassifier
  let targets: [Int]
  let rule: GradientRule

  init(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    rule: GradientRule = .exact
  ) throws {
    try image.check(for: classifier, targets: targets)
    self.classifier = classifier
    self.targets = targets
    self.rule = rule
  }

  /// How many images' gradients are held at a time.
  static let group = 8

  /// One gradient a target, in the image's shape.
  func callAsFunction(_ image: Tensor) throws -> [Tensor] { try self([image])[0] }

  /// For every image one gradient a target, in the image's shape.
  func callAsFunction(_ images: [Tensor]) throws -> [[Tensor]] {
    let gradients = try classifier.inputGradients(of: targets, images: images, rule: rule)
    guard gradients.count == images.count,
      gradients.allSatisfy({ $0.count == targets.count && $0.allSatisfy(\.isFinite) })
    else { throw ExplanationError.notFinite(layer: "the gradient of the input") }
    return gradients
  }
}

/// Running sums over samples, one for every pixel, in Double and in the order of the samples.
struct PixelMoments {
  private var powers: [[Double]]
  private var count = 0.0

  init(area: Int, order: Int) {
    powers = (0..<order).map { _ in [Double](repeating: 0, count: area) }
  }

  mutating func add(_ values: [Double]) {
    count += 1
    for order in powers.indices {
      for i in values.indices {
        var power = values[i]
        for _ in 0..<order { power *= values[i] }
        powers[order][i] += power
      }
    }
  }

  var means: [Double] { powers[0].map { $0 / count } }

  /// The variance of the samples, with the divisor n.
  var variances: [Double] {
    powers[0].indices.map { i in
      let mean = powers[0][i] / count
      return max(powers[1][i] / count - mean * mean, 0)
    }
  }

  /// The standard error of the means; infinite for fewer than two samples.
  var standardErrors: [Double] {
    variances.map { count > 1 ? ($0 / (count - 1)).squareRoot() : .infinity }
  }

  /// The standard error of the variances, by the fourth central moment.
  var standardErrorsOfVariances: [Double] {
    powers[0].indices.map { i in
      let (m1, m2) = (powers[0][i] / count, powers[1][i] / count)
      let (m3, m4) = (powers[2][i] / count, powers[3][i] / count)
      let fourth = m4 - 4 * m1 * m3 + 6 * m1 * m1 * m2 - 3 * m1 * m1 * m1 * m1
      let variance = m2 - m1 * m1
      return (max(fourth - variance * variance, 0) / count).squareRoot()
    }
  }
}

extension ExplainedImage {
  /// A map of numbers in row-major order, `[H, W]`.
  func map(_ values: [Double]) -> Tensor { Tensor([height, width], values.map { Float($0) }) }

  /// The product of two tensors in the image's shape, added up over the channels: one number a pixel.
  func product(_ first: Tensor, _ second: Tensor) -> [Double] {
    var sums = [Double](repeating: 0, count: area)
    first.withUnsafePointer { a in
      second.withUnsafePointer { b in
        for p in 0..<area {
          for i in p * channels..<(p + 1) * channels { sums[p] += Double(a[i]) * Double(b[i]) }
        }
      }
    }
    return sums
  }

  /// A map of standard errors, or nothing where they are not known.
  func errorMap(_ values: [Double]) -> Tensor? {
    values.allSatisfy(\.isFinite) ? map(values) : nil
  }
}

extension Tensor {
  /// A note where a gradient is zero everywhere.
  var blankness: [String] {
    isZero ? ["blank map: all gradients are zero at the input"] : []
  }
}
