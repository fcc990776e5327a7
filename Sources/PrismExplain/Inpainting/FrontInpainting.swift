/// Fills a hole pixel by pixel from its border inwards with weighted means of what is known around.
///
/// The order is that of ``FastMarching``. The rules are those of OpenCV's `inpaint` on pixels of 8
/// bits, every bit of which they reproduce: pixels are rounded when they are filled; next to the
/// image's border a gradient is that of the pixel one row or column further in.
struct FrontInpainting {
  /// How a pixel follows from the known ones within the radius.
  enum Rule: Sendable {
    /// Weights fall with the distance, across the front and between isophotes; the sign of the mean
    /// gradient is added. Telea, "An Image Inpainting Technique Based on the Fast Marching Method",
    /// Journal of Graphics Tools 2004.
    case telea
    /// Weights follow the isophotes. Bertalmio, Bertozzi and Sapiro, "Navier-Stokes, Fluid
    /// Dynamics, and Image and Video Inpainting", CVPR 2001.
    case navierStokes
  }

  let rule: Rule
  /// How far a pixel looks around.
  let radius: Int

  /// Fills a hole.
  ///
  /// - Parameters:
  ///   - isHole: One flag a pixel, row by row; some pixels are known.
  ///   - pixels: `[H, W, C]` from 0 to 255.
  ///   - height: The rows.
  ///   - width: The columns.
  func fill(_ isHole: [Bool], of pixels: inout [UInt8], height: Int, width: Int) {
    let channels = pixels.count / (height * width)
    var front = FastMarching(hole: isHole, height: height, width: width, radius: radius)
    front.fill { front, place in
      let around = known(around: place, front)
      let slope = rule == .telea ? Self.slope(front, place) : (0, 0)
      for c in 0..<channels {
        let value = value(
          Neighbourhood(front: front, pixels: pixels, channels: channels, channel: c), around,
          at: place, slope: slope)
        let p = (place / front.stride - 1) * width + place % front.stride - 1
        pixels[p * channels + c] = UInt8(min(max(value.rounded(.toNearestOrEven), 0), 255))
      }
    }
  }

  /// The places within the radius that are known, row by row.
  private func known(around place: Int, _ front: FastMarching) -> [Int] {
    var places: [Int] = []
    for dy in -radius...radius {
      for dx in -radius...radius where dx * dx + dy * dy <= radius * radius {
        let (y, x) = (place / front.stride + dy, place % front.stride + dx)
        guard (1...front.height).contains(y), (1...front.width).contains(x) else { continue }
        if front.states[y * front.stride + x] != .hole { places.append(y * front.stride + x) }
      }
    }
    return places
  }

  /// The gradient of the distance, from what is known.
  private static func slope(_ front: FastMarching, _ p: Int) -> (y: Float, x: Float) {
    let t = front.distances
    func difference(_ before: Int, _ after: Int) -> Float {
      switch (front.states[before] != .hole, front.states[after] != .hole) {
      case (true, true): (t[after] - t[before]) * 0.5
      case (false, true): t[after] - t[p]
      case (true, false): t[p] - t[before]
      case (false, false): 0
      }
    }
    return (difference(p - front.stride, p + front.stride), difference(p - 1, p + 1))
  }

  private func value(
    _ image: Neighbourhood, _ around: [Int], at place: Int, slope: (y: Float, x: Float)
  ) -> Double {
    switch rule {
    case .telea: telea(image, around, at: place, slope: slope)
    case .navierStokes: navierStokes(image, around, at: place)
    }
  }

  private func telea(
    _ image: Neighbourhood, _ around: [Int], at place: Int, slope: (y: Float, x: Float)
  ) -> Double {
    let front = image.front
    var (mean, y, x, total) = (0.0, 0.0, 0.0, 1e-20)
    for q in around {
      let (dy, dx) = image.way(from: q, to: place)
      let square = dy * dy + dx * dx
      let level = 1 / (1 + abs(Double(front.distances[q]) - Double(front.distances[place])))
      var direction = dx * Double(slope.x) + dy * Double(slope.y)
      if abs(direction) <= 0.01 { direction = 1e-6 }
      let weight = abs(level * direction / (square * square.squareRoot()))
      let gradient = image.differences(at: q)
      mean += weight * image[q]
      x -= weight * gradient.x * dx
      y -= weight * gradient.y * dy
      total += weight
    }
    return mean / total + (x + y) / ((x * x + y * y).squareRoot() + 1e-20) + 0.5
  }

  private func navierStokes(
    _ image: Neighbourhood, _ around: [Int], at place: Int
  ) -> Double {
    var (mean, total) = (0.0, 1e-20)
    for q in around {
      let (dy, dx) = image.way(from: place, to: q)
      let square = dy * dy + dx * dx
      let variation = image.variations(at: q)
      // Along the isophote: across the gradient.
      var direction = abs(dy * variation.x - dx * variation.y)
      if direction <= 0.01 {
        direction = 1e-6
      } else {
        direction /=
          (square * (variation.x * variation.x + variation.y * variation.y)).squareRoot()
      }
      let weight = direction / (square * square + 1)
      mean += weight * image[q]
      total += weight
    }
    return mean / total
  }
}

/// One channel of an image that is being filled, by the places of a front's grid.
private struct Neighbourhood {
  let front: FastMarching
  let pixels: [UInt8]
  let channels, channel: Int

  /// The number at a place.
  subscript(place: Int) -> Double {
    value(place / front.stride - 1, place % front.stride - 1)
  }

  private func value(_ y: Int, _ x: Int) -> Double {
    let (y, x) = (min(max(y, 0), front.height - 1), min(max(x, 0), front.width - 1))
    return Double(pixels[(y * front.width + x) * channels + channel])
  }

  func way(from p: Int, to q: Int) -> (y: Double, x: Double) {
    let stride = front.stride
    return (Double(q / stride - p / stride), Double(q % stride - p % stride))
  }

  /// Where gradients of a place are taken: one row or column further in at the image's border, from
  /// either side.
  private func anchors(_ place: Int) -> (top: Int, bottom: Int, left: Int, right: Int) {
    let (y, x) = (place / front.stride - 1, place % front.stride - 1)
    return (
      y == 0 ? 1 : y, y == front.height - 1 ? y - 1 : y,
      x == 0 ? 1 : x, x == front.width - 1 ? x - 1 : x
    )
  }

  private func isKnown(_ place: Int) -> Bool { front.states[place] != .hole }

  /// The differences of the image around a place, twice as large where both sides are known.
  func differences(at q: Int) -> (y: Double, x: Double) {
    let (top, bottom, left, right) = anchors(q)
    var (y, x) = (0.0, 0.0)
    switch (isKnown(q - 1), isKnown(q + 1)) {
    case (true, true): x = 2 * (value(top, right + 1) - value(top, left - 1))
    case (false, true): x = value(top, right + 1) - value(top, left)
    case (true, false): x = value(top, right) - value(top, left - 1)
    case (false, false): break
    }
    switch (isKnown(q - front.stride), isKnown(q + front.stride)) {
    case (true, true): y = 2 * (value(bottom + 1, left) - value(top - 1, left))
    case (false, true): y = value(bottom + 1, left) - value(top, left)
    case (true, false): y = value(bottom, left) - value(top - 1, left)
    case (false, false): break
    }
    return (y, x)
  }

  /// How much the image varies around a place, from both sides where they are known.
  func variations(at q: Int) -> (y: Double, x: Double) {
    let (top, bottom, left, right) = anchors(q)
    func sum(_ before: Bool, _ after: Bool, _ first: Double, _ second: Double) -> Double {
      (before ? first : after ? second : 0) + (after ? second : before ? first : 0)
    }
    return (
      sum(
        isKnown(q - front.stride), isKnown(q + front.stride),
        abs(value(bottom, left) - value(top - 1, left)),
        abs(value(bottom + 1, left) - value(bottom, left))),
      sum(
        isKnown(q - 1), isKnown(q + 1), abs(value(top, left) - value(top, left - 1)),
        abs(value(top, right + 1) - value(top, left)))
    )
  }
}
