/// What a decoder has found: samples at the depth of the file.
struct PictureSamples {
  var width: Int
  var height: Int
  /// 1 (grey) or 3 (red, green, blue).
  var channels: Int
  /// The bits of a sample, from 8 to 16.
  var depth: Int
  /// The samples, row by row, interleaved.
  var values: [UInt16]
  /// How opaque every pixel is, at the same depth.
  var alpha: [UInt16]?
  var format: PictureFormat
  var notes: [String] = []

  /// The picture, with its tones chosen and its transparency composed.
  func image(name: String, options: PictureOptions) throws(ImageError) -> Image {
    var samples = self
    if let alpha { samples.compose(alpha, on: options.background) }
    let range = try samples.range(options.range, name: name)
    let deep = DeepSamples(
      channels: channels, values: samples.values, low: Float(range.lowerBound),
      high: Float(range.upperBound))
    return Image(
      width: width, height: height, pixels: deep.pixels, deep: deep,
      origin: PictureOrigin(
        format: format.rawValue, bitDepth: depth, range: range, notes: samples.notes))
  }

  private var largest: Int { 1 << depth - 1 }

  /// The samples that are black and white.
  private mutating func range(
    _ choice: ToneRange, name: String
  ) throws(ImageError) -> ClosedRange<Double> {
    let (least, most) = (Int(values.min() ?? 0), Int(values.max() ?? 0))
    switch choice {
    case .full: return 0...Double(largest)
    case .used:
      return least < most ? Double(least)...Double(most) : 0...Double(largest)
    case .limits(let low, let high):
      guard low < high, low.isFinite, high.isFinite else {
        throw .unsupported(name, reason: "a range from \(low) to \(high)")
      }
      return low...high
    case .window(let center, let width):
      guard width > 1, width.isFinite, center.isFinite else {
        throw .unsupported(name, reason: "a window of the width \(width)")
      }
      return ToneWindow(center: center, width: width).limits
    case .automatic:
      let bits = Int.bitWidth - max(most, 1).leadingZeroBitCount
      guard bits < depth, most > 0 else { return 0...Double(largest) }
      let used = Double(1 << bits - 1)
      notes.append(
        "its samples use \(bits) of \(depth) bits (the largest is \(most)), and are scaled to those"
      )
      return 0...used
    }
  }

  /// Composes the samples on an opaque colour.
  private mutating func compose(_ alpha: [UInt16], on background: RGB) {
    let most = largest
    let behind = [background.red, background.green, background.blue].map {
      Int((Double($0) * Double(most) / 255).rounded())
    }
    for i in alpha.indices where Int(alpha[i]) != most {
      let a = Int(alpha[i])
      for c in 0..<channels {
        let blended = Int(values[channels * i + c]) * a + behind[c] * (most - a)
        values[channels * i + c] = UInt16((blended + most / 2) / most)
      }
    }
    if alpha.contains(where: { Int($0) != most }) {
      notes.append(background.compositionNote)
    }
  }
}

extension RGB {
  /// Composes RGBA samples on the colour, in sRGB; and whether any pixel was not opaque.
  func composing(rgba samples: [UInt8]) -> (pixels: [UInt8], isComposed: Bool) {
    let count = samples.count / 4
    var least: UInt8 = 255
    func blend(_ sample: UInt8, _ behind: UInt8, _ alpha: Int) -> UInt8 {
      UInt8((Int(sample) * alpha + Int(behind) * (255 - alpha) + 127) / 255)
    }
    let pixels = samples.withUnsafeBufferPointer { source in
      [UInt8](unsafeUninitializedCapacity: count * 3) { target, initialized in
        for i in 0..<count {
          let alpha = Int(source[4 * i + 3])
          least = min(least, source[4 * i + 3])
          target[3 * i] = blend(source[4 * i], red, alpha)
          target[3 * i + 1] = blend(source[4 * i + 1], green, alpha)
          target[3 * i + 2] = blend(source[4 * i + 2], blue, alpha)
        }
        initialized = count * 3
      }
    }
    return (pixels, least < 255)
  }

  /// What is said of a picture whose transparency was composed on the colour.
  var compositionNote: String {
    let name =
      switch self {
      case .white: "white"
      case .black: "black"
      default: "red \(red), green \(green), blue \(blue)"
      }
    return "its transparent pixels are composed on \(name)"
  }
}

/// A radiologist's window, by DICOM's linear function (PS3.3, C.11.2.1.2.1).
struct ToneWindow: Equatable {
  let center: Double
  /// Above 1.
  let width: Double

  /// The values that are black and white.
  var limits: ClosedRange<Double> {
    (center - 0.5 - (width - 1) / 2)...(center - 0.5 + (width - 1) / 2)
  }
}
