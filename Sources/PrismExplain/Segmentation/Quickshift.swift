internal import PrismKernels
internal import PrismRuntime

/// Quickshift: every pixel follows its nearest neighbour of higher density in colour and place, up
/// to a distance.
///
/// The definition and the order of sums are those of scikit-image's `quickshift`, which adds
/// normally distributed noise of 1e-5 to the densities to break ties; here the pixel that comes
/// first wins a tie instead, so that the two may differ where densities differ by less than the
/// noise. Definition: Vedaldi and Soatto, "Quick Shift and Kernel Methods for Mode Seeking", ECCV
/// 2008.
func quickshiftSegments(
  _ image: LabImage, kernelSize: Double, maximumDistance: Double, ratio: Double, work: Work
) throws -> Segmentation {
  let (height, width) = (image.height, image.width)
  let planes = ColorPlanes(image, ratio: ratio, reach: Int((3 * kernelSize).rounded(.up)))
  let factor = -0.5 / (kernelSize * kernelSize)
  /// The numbers of all rows, some of which the threads compute between two looks at the task.
  func rows<Value: Sendable>(_ row: (Int) -> [Value]) throws -> [Value] {
    var result: [Value] = []
    result.reserveCapacity(height * width)
    for start in stride(from: 0, to: height, by: 32) {
      try work.check()
      let rows = try Workers.pool.map(min(32, height - start)) { row(start + $0) }
      result += rows.joined()
    }
    return result
  }
  let densities = planes.padded(try rows { planes.densities(ofRow: $0, factor: factor) })
  var parents = try rows {
    planes.parents(ofRow: $0, densities: densities, maximumDistance: maximumDistance)
  }
  // Every chain of parents climbs in density and ends at a root.
  var isChanged = true
  while isChanged {
    isChanged = false
    for p in parents.indices where parents[parents[p]] != parents[p] {
      parents[p] = parents[parents[p]]
      isChanged = true
    }
  }
  return Segmentation(renumbering: parents, height: height, width: width)
}

/// The colours of a picture in planes with room beside each row, so that four pixels at a time can
/// be compared with their neighbours.
private struct ColorPlanes: Sendable {
  let height, width: Int
  /// How far away neighbours are.
  let reach: Int
  /// The columns before those of the picture.
  let margin: Int
  let stride: Int
  let colors: [Double]

  /// A number that no colour is near to, whose square is finite.
  private static let far = 1e100

  init(_ image: LabImage, ratio: Double, reach: Int) {
    (height, width) = (image.height, image.width)
    self.reach = reach
    margin = min(reach, width)
    stride = width + 2 * margin + Four.scalarCount
    var colors = [Double](repeating: Self.far, count: 3 * height * stride)
    for channel in 0..<3 {
      for y in 0..<height {
        let row = (channel * height + y) * stride + margin
        for x in 0..<width {
          colors[row + x] = image.values[(y * width + x) * 3 + channel] * ratio
        }
      }
    }
    self.colors = colors
  }

  /// The densities of the pixels of a row: sums over their neighbours in row-major order.
  func densities(ofRow y: Int, factor: Double) -> [Double] {
    var row = [Double](repeating: 0, count: width)
    for x in Swift.stride(from: 0, to: width, by: Four.scalarCount) {
      var sum = Four(repeating: 0)
      forEachNeighbor(ofRow: y, x) { distance, _, _ in sum += exponential(distance * factor) }
      for lane in 0..<min(Four.scalarCount, width - x) { row[x + lane] = sum[lane] }
    }
    return row
  }

  /// Numbers of pixels with the room that the colours have, which are below all others there.
  func padded(_ numbers: [Double]) -> [Double] {
    var result = [Double](repeating: -.infinity, count: height * stride)
    for y in 0..<height {
      for x in 0..<width { result[y * stride + margin + x] = numbers[y * width + x] }
    }
    return result
  }

  /// What the pixels of a row follow: the nearest neighbour of higher density, of several the first,
  /// or themselves.
  func parents(ofRow y: Int, densities: [Double], maximumDistance: Double) -> [Int] {
    var row = [Int](repeating: 0, count: width)
    densities.withUnsafeBufferPointer { densities in
      guard let base = densities.baseAddress else { return }
      for x in Swift.stride(from: 0, to: width, by: Four.scalarCount) {
        let pixel = base + (y * stride + margin + x)
        let density = four(pixel)
        var closest = Four(repeating: .infinity)
        var step = SIMD4<Int64>(repeating: 0)
        forEachNeighbor(ofRow: y, x) { distance, dy, dx in
          let other = four(pixel + (dy * stride + dx))
          let isBefore = dy < 0 || (dy == 0 && dx < 0)
          let isHigher = isBefore ? other .>= density : other .> density
          let isCloser = isHigher .& (distance .< closest)
          closest.replace(with: distance, where: isCloser)
          step.replace(with: SIMD4(repeating: Int64(dy * width + dx)), where: isCloser)
        }
        for lane in 0..<min(Four.scalarCount, width - x) {
          let isNear = closest[lane].squareRoot() <= maximumDistance
          row[x + lane] = y * width + x + lane + (isNear ? Int(step[lane]) : 0)
        }
      }
    }
    return row
  }

  /// Visits the neighbours of four pixels of a row in row-major order: their squared distances in
  /// colour and place, and the rows and columns from the pixels to them.
  @inline(always)
  private func forEachNeighbor(ofRow y: Int, _ x: Int, _ body: (Four, Int, Int) -> Void) {
    colors.withUnsafeBufferPointer { colors in
      guard let base = colors.baseAddress else { return }
      let plane = height * stride
      let pixel = base + (y * stride + margin + x)
      let (a, b, c) = (four(pixel), four(pixel + plane), four(pixel + 2 * plane))
      for dy in max(-reach, -y)...min(reach, height - 1 - y) {
        for dx in -margin...margin {
          let other = pixel + (dy * stride + dx)
          let p = a - four(other)
          let q = b - four(other + plane)
          let r = c - four(other + 2 * plane)
          body(p * p + q * q + r * r + Double(dy * dy) + Double(dx * dx), dy, dx)
        }
      }
    }
  }
}

/// Four pixels at a time.
private typealias Four = SIMD4<Double>

@inline(always)
private func four(_ p: UnsafePointer<Double>) -> Four {
  UnsafeRawPointer(p).loadUnaligned(as: Four.self)
}

/// Returns `e^x` of numbers up to 0, which is at most one unit in the last place off; of less than
/// -700 that of -700, which nothing is changed by that is added to one.
@inline(always)
private func exponential(_ x: Four) -> Four {
  let x = x.replacing(with: -700, where: x .< -700)
  // The nearest power of two, by the last bits of a sum with a large number; then what remains, by
  // Taylor's series.
  let shift = Four(repeating: 0x1.8p52)
  let sum = x * 0x1.71547652b82fep0 + shift
  let power = sum - shift
  let r = x - power * 0x1.62e42fefa38p-1 - power * 0x1.ef35793c7673p-45
  var p = Four(repeating: 1 / 6_227_020_800)
  p = p * r + 1 / 479_001_600
  p = p * r + 1 / 39_916_800
  p = p * r + 1 / 3_628_800
  p = p * r + 1 / 362_880
  p = p * r + 1 / 40_320
  p = p * r + 1 / 5040
  p = p * r + 1 / 720
  p = p * r + 1 / 120
  p = p * r + 1 / 24
  p = p * r + 1 / 6
  p = p * r + 1 / 2
  p = p * r * r + r + 1
  let exponents = unsafeBitCast(sum, to: SIMD4<Int64>.self) &<< 52
  return unsafeBitCast(unsafeBitCast(p, to: SIMD4<Int64>.self) &+ exponents, to: Four.self)
}
