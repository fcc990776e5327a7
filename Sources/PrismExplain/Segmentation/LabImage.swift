internal import PrismTensor

/// A picture's colours in CIE L*a*b* (illuminant D65, observer 2°), from sRGB, as scikit-image
/// converts them.
struct LabImage {
  let height, width: Int
  /// Three numbers a pixel.
  var values: [Double]

  /// Converts a picture; where wanted, its numbers are stretched to the whole range from 0 to 1
  /// before.
  init(
    _ image: ExplainedImage, for method: String, isStretched: Bool = false
  ) throws(ExplanationError) {
    let pixels = try image.colors(for: method)
    height = image.height
    width = image.width
    var colors = pixels.scalars.map { Double($0) / 255 }
    if isStretched, let low = colors.min(), let high = colors.max() {
      for i in colors.indices { colors[i] -= low }
      if high != low { for i in colors.indices { colors[i] /= high - low } }
    }
    values = []
    values.reserveCapacity(colors.count)
    for p in stride(from: 0, to: colors.count, by: 3) {
      values += Self.lab(colors[p], colors[p + 1], colors[p + 2])
    }
  }

  static func lab(_ red: Double, _ green: Double, _ blue: Double) -> [Double] {
    func linear(_ v: Double) -> Double {
      v > 0.04045 ? power((v + 0.055) / 1.055, 2.4) : v / 12.92
    }
    let (r, g, b) = (linear(red), linear(green), linear(blue))
    let x = (0.412453 * r + 0.357580 * g + 0.180423 * b) / 0.95047
    let y = 0.212671 * r + 0.715160 * g + 0.072169 * b
    let z = (0.019334 * r + 0.119193 * g + 0.950227 * b) / 1.08883
    func f(_ v: Double) -> Double { v > 0.008856 ? cubeRoot(v) : 7.787 * v + 16.0 / 116 }
    let (fx, fy, fz) = (f(x), f(y), f(z))
    return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)]
  }
}
