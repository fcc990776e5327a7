public import PrismTensor

/// Small random changes of pictures in training: rotation, translation and zoom, about the centre.
///
/// One affine map with bilinear interpolation; beyond its edge a picture goes on with its last
/// pixel.
public struct Augmentation: Sendable, Equatable, Codable {
  /// The largest rotation to either side, in degrees.
  public var degrees: Double
  /// The largest translation to any side, as a share of the picture.
  public var translation: Double
  /// The largest enlargement or reduction, as a share of the picture.
  public var zoom: Double

  /// Makes an augmentation; light unless told otherwise.
  public init(degrees: Double = 7, translation: Double = 0.05, zoom: Double = 0.1) {
    self.degrees = degrees
    self.translation = translation
    self.zoom = zoom
  }

  /// A picture changed at random.
  ///
  /// - Parameters:
  ///   - image: `[1, H, W, C]`.
  ///   - seed: Selects the change.
  /// - Returns: The shape of `image`.
  public func apply(_ image: Tensor, seed: UInt64) -> Tensor {
    var random = SeededRandom(seed: seed)
    func signed(_ extent: Double) -> Double { (2 * Double(random.uniform()) - 1) * extent }
    let angle = signed(degrees) * .pi / 180
    let (dx, dy) = (signed(translation), signed(translation))
    let scale = 1 / (1 + signed(zoom))
    let (height, width, channels) = (image.shape[1], image.shape[2], image.shape[3])
    let (cos, sin) = (cosine(angle) * scale, sine(angle) * scale)
    let (centerX, centerY) = (Double(width - 1) / 2, Double(height - 1) / 2)
    let (shiftX, shiftY) = (dx * Double(width), dy * Double(height))
    return image.withUnsafePointer { source in
      Tensor(uninitialized: image.shape) { target in
        for y in 0..<height {
          for x in 0..<width {
            let (u, v) = (Double(x) - centerX - shiftX, Double(y) - centerY - shiftY)
            let sourceX = min(max(cos * u - sin * v + centerX, 0), Double(width - 1))
            let sourceY = min(max(sin * u + cos * v + centerY, 0), Double(height - 1))
            let (left, top) = (Int(sourceX), Int(sourceY))
            let (right, bottom) = (min(left + 1, width - 1), min(top + 1, height - 1))
            let (a, b) = (Float(sourceX - Double(left)), Float(sourceY - Double(top)))
            let upper = source + top * width * channels
            let lower = source + bottom * width * channels
            for c in 0..<channels {
              let (l, r) = (left * channels + c, right * channels + c)
              let first = (1 - a) * upper[l] + a * upper[r]
              let second = (1 - a) * lower[l] + a * lower[r]
              target[(y * width + x) * channels + c] = (1 - b) * first + b * second
            }
          }
        }
      }
    }
  }
}
