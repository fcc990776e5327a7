internal import PrismTensor

/// Writes images of which parts are masked.
struct MaskedImage: Sendable {
  /// The whole image.
  let image: ExplainedImage
  /// What masked pixels are taken from.
  let replacement: Tensor
  private let inpainting: Inpainting?
  /// Whether what is masked follows from what is kept.
  var isInpainted: Bool { inpainting != nil }

  /// How masked pixels follow from those around.
  private enum Inpainting: Sendable {
    case heat(HeatDiffusion)
    case front(FrontInpainting, PixelLevels)
  }

  /// Prepares a masker for an image.
  ///
  /// - Throws: ``ExplanationError`` where the masker does not fit the image.
  init(_ image: ExplainedImage, masker: Masker, segmentation: Segmentation? = nil)
    throws(ExplanationError)
  {
    self.image = image
    replacement = try masker.replacement(for: image, segmentation: segmentation)
    switch masker {
    case .inpainting(let sweeps): inpainting = .heat(HeatDiffusion(sweeps: sweeps))
    case .inpaintTelea(let radius):
      inpainting = .front(FrontInpainting(rule: .telea, radius: radius), try PixelLevels(image))
    case .inpaintNavierStokes(let radius):
      inpainting = .front(
        FrontInpainting(rule: .navierStokes, radius: radius), try PixelLevels(image))
    default: inpainting = nil
    }
  }

  /// Writes the image with the pixels masked for which a closure says no.
  @inline(__always)
  func write(_ target: UnsafeMutablePointer<Float>, keeping isKept: (Int) -> Bool) {
    let channels = image.channels
    image.input.withUnsafePointer { input in
      replacement.withUnsafePointer { replacement in
        for p in 0..<image.area {
          let source = isKept(p) ? input : replacement
          for i in p * channels..<(p + 1) * channels { target[i] = source[i] }
        }
      }
    }
    if inpainting != nil { inpaint(target, hole: (0..<image.area).map { !isKept($0) }) }
  }

  /// Writes the image with everything masked that lies in none of some boxes.
  ///
  /// Where pixels are inpainted, only those are kept of which all channels are.
  func write(_ target: UnsafeMutablePointer<Float>, keeping boxes: [PixelBox]) {
    let (width, channels) = (image.width, image.channels)
    guard inpainting == nil else {
      var isKept = [Bool](repeating: false, count: image.area * channels)
      forEachElement(of: boxes) { isKept[$0] = true }
      return write(target) { p in (p * channels..<(p + 1) * channels).allSatisfy { isKept[$0] } }
    }
    write(target) { _ in false }
    image.input.withUnsafePointer { input in
      for box in boxes {
        let z = box.channels ?? 0..<channels
        for y in box.rows {
          for x in box.columns {
            let p = (y * width + x) * channels
            for i in p + z.lowerBound..<p + z.upperBound { target[i] = input[i] }
          }
        }
      }
    }
  }

  /// Writes the image as it shines through a soft mask, one number from 0 to 1 a pixel.
  func write(_ target: UnsafeMutablePointer<Float>, through mask: [Float]) {
    let channels = image.channels
    image.input.withUnsafePointer { x in
      replacement.withUnsafePointer { other in
        for p in mask.indices {
          for i in p * channels..<(p + 1) * channels {
            target[i] = mask[p] * x[i] + (1 - mask[p]) * other[i]
          }
        }
      }
    }
  }

  private func forEachElement(of boxes: [PixelBox], _ visit: (Int) -> Void) {
    for box in boxes {
      for y in box.rows {
        for x in box.columns {
          for z in box.channels ?? 0..<image.channels {
            visit((y * image.width + x) * image.channels + z)
          }
        }
      }
    }
  }

  private func inpaint(_ target: UnsafeMutablePointer<Float>, hole isHole: [Bool]) {
    let (height, width) = (image.height, image.width)
    switch inpainting {
    case .heat(let heat):
      heat.fill(isHole, of: target, height: height, width: width, channels: image.channels)
    case .front(let front, let levels):
      // Where nothing is known, the channels' means stay.
      guard isHole.contains(true), isHole.contains(false) else { return }
      var pixels = levels.pixels
      front.fill(isHole, of: &pixels, height: height, width: width)
      for p in isHole.indices where isHole[p] {
        for c in 0..<image.channels {
          let i = p * image.channels + c
          target[i] = levels.input(pixels[i], channel: c)
        }
      }
    case nil: break
    }
  }
}

/// An image's numbers as levels from 0 (black) to 255 (white), as pictures have them.
struct PixelLevels: Sendable {
  private let black, white: [Float]
  /// The levels, rounded, in the order of the input.
  let pixels: [UInt8]

  /// - Throws: ``ExplanationError`` where black and white are not known.
  init(_ image: ExplainedImage) throws(ExplanationError) {
    let channels = image.channels
    guard let black = image.black, let white = image.white, black.count == channels,
      white.count == channels, zip(black, white).allSatisfy({ $0 != $1 })
    else {
      throw .unsuitable(
        "nobody said what black and white are in this network's input, and this inpainting "
          + "counts in levels from 0 to 255; choose another masker")
    }
    self.black = black
    self.white = white
    pixels = image.input.scalars.enumerated().map { i, value in
      let c = i % channels
      let level = (value - black[c]) / (white[c] - black[c]) * 255
      return UInt8(min(max(level.rounded(.toNearestOrEven), 0), 255))
    }
  }

  /// A level in the network's input.
  func input(_ level: UInt8, channel: Int) -> Float {
    black[channel] + Float(level) / 255 * (white[channel] - black[channel])
  }
}
