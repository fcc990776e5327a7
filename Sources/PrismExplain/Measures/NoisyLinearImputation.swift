internal import PrismTensor

/// Fills holes of an image so that they give away neither what was there nor where they are.
///
/// Every pixel of a hole becomes the weighted mean of its eight neighbours (1/6 beside it, 1/12 at
/// its corners; at the border the weights that there are, divided by their sum), which is a system
/// of linear equations, and some noise. Definition: Rong et al., "A Consistent and Efficient
/// Evaluation Strategy for Attribution Methods", ICML 2022. The equations are solved by conjugate
/// gradients down to ``tolerance``, the paper's authors factor them.
struct NoisyLinearImputation {
  /// The residual that is left, relative to the right-hand side.
  static let tolerance = 1e-4
  /// The most steps; the equations of the largest holes need a few hundred.
  private static let limit = 2000
  /// The eight neighbours, each with its weight.
  private static let neighbours: [(y: Int, x: Int, weight: Double)] = [
    (-1, -1, 1.0 / 12), (-1, 0, 1.0 / 6), (-1, 1, 1.0 / 12), (0, -1, 1.0 / 6),
    (0, 1, 1.0 / 6), (1, -1, 1.0 / 12), (1, 0, 1.0 / 6), (1, 1, 1.0 / 12),
  ]

  let height: Int
  let width: Int
  let channels: Int
  /// The image, `[1, H, W, C]`.
  let image: Tensor

  init(_ image: Tensor) {
    self.image = image
    (height, width, channels) = (image.shape[1], image.shape[2], image.shape[3])
  }

  /// The image with holes filled.
  ///
  /// - Parameters:
  ///   - holes: The pixels that are filled, in row-major order, each once.
  ///   - noise: The standard deviation of what is added.
  ///   - random: Draws the noise, pixel by pixel and channel by channel.
  /// - Returns: `[1, H, W, C]`.
  func callAsFunction(
    filling holes: [Int], noise: Double, using random: inout SeededRandom
  ) -> Tensor {
    var result = image.scalars
    guard !holes.isEmpty else { return image }
    // With a margin of one, so that no neighbour is outside.
    let pitch = width + 2
    func padded(_ pixel: Int) -> Int { (pixel / width + 1) * pitch + pixel % width + 1 }
    let places = holes.map(padded)
    // The weights add up to 1 but at the border.
    let sums = holes.map { pixel in
      Self.neighbours.reduce(0.0) { sum, neighbour in
        let (y, x) = (pixel / width + neighbour.y, pixel % width + neighbour.x)
        let isInside = y >= 0 && y < height && x >= 0 && x < width
        return isInside ? sum + neighbour.weight : sum
      }
    }
    let guess = PushPull(isHole: holes, height: height, width: width)
    // Channels are solved four at a time.
    for first in stride(from: 0, to: channels, by: 4) {
      let own = first..<min(first + 4, channels)
      var levels = [SIMD4<Double>](repeating: .zero, count: height * width)
      for pixel in 0..<height * width {
        for channel in own {
          levels[pixel][channel - first] = Double(result[pixel * channels + channel])
        }
      }
      var grid = [SIMD4<Double>](repeating: .zero, count: (height + 2) * pitch)
      for pixel in 0..<height * width { grid[padded(pixel)] = levels[pixel] }
      let start = guess.filled(levels)
      let filled = solve(
        grid, places: places, sums: sums, pitch: pitch, guess: holes.map { start[$0] })
      for (number, pixel) in holes.enumerated() {
        for channel in own {
          result[pixel * channels + channel] = Float(filled[number][channel - first])
        }
      }
    }
    if noise > 0 {
      for pixel in holes {
        for channel in 0..<channels {
          result[pixel * channels + channel] += Float(noise) * random.normal()
        }
      }
    }
    return Tensor(image.shape, result)
  }

  /// Conjugate gradients for up to four channels.
  private func solve(
    _ grid: [SIMD4<Double>], places: [Int], sums: [Double], pitch: Int,
    guess: [SIMD4<Double>]
  ) -> [SIMD4<Double>] {
    let count = places.count
    let (corner, side) = (1.0 / 12, 1.0 / 6)
    // What the neighbours of every hole add up to, of those with numbers in a grid.
    func gathered(
      _ grid: UnsafeBufferPointer<SIMD4<Double>>, _ place: Int
    ) -> SIMD4<Double> {
      let (above, below) = (place - pitch, place + pitch)
      let corners = grid[above - 1] + grid[above + 1] + grid[below - 1] + grid[below + 1]
      let sides = grid[above] + grid[below] + grid[place - 1] + grid[place + 1]
      return corner * corners + side * sides
    }
    var known = grid
    for place in places { known[place] = .zero }
    let right = known.withUnsafeBufferPointer { known in places.map { gathered(known, $0) } }
    // The unknowns on the grid, zero elsewhere.
    var field = [SIMD4<Double>](repeating: .zero, count: grid.count)
    func product(_ vector: [SIMD4<Double>]) -> [SIMD4<Double>] {
      for (number, place) in places.enumerated() { field[place] = vector[number] }
      return field.withUnsafeBufferPointer { field in
        (0..<count).map { sums[$0] * vector[$0] - gathered(field, places[$0]) }
      }
    }
    func dot(_ a: [SIMD4<Double>], _ b: [SIMD4<Double>]) -> SIMD4<Double> {
      var sum = SIMD4<Double>.zero
      for i in 0..<count { sum += a[i] * b[i] }
      return sum
    }
    /// Zero where a channel is done, so that it rests.
    func quotient(_ a: SIMD4<Double>, _ b: SIMD4<Double>) -> SIMD4<Double> {
      (a / b).replacing(with: 0, where: b .<= SIMD4(repeating: .leastNormalMagnitude))
    }
    var solution = guess
    let first = product(solution)
    var residual = (0..<count).map { right[$0] - first[$0] }
    var direction = residual
    var size = dot(residual, residual)
    let goal = Self.tolerance * Self.tolerance * dot(right, right)
    for _ in 0..<Self.limit {
      guard any(size .> goal) else { break }
      let image = product(direction)
      let step = quotient(size, dot(direction, image))
      for i in 0..<count {
        solution[i] += step * direction[i]
        residual[i] -= step * image[i]
      }
      let next = dot(residual, residual)
      let share = quotient(next, size)
      for i in 0..<count { direction[i] = residual[i] + share * direction[i] }
      size = next
    }
    return solution
  }
}

/// A first guess for holes: means of what is known, from ever larger squares.
private struct PushPull {
  private let isKnown: [Bool]
  private let height: Int
  private let width: Int

  init(isHole holes: [Int], height: Int, width: Int) {
    var isKnown = [Bool](repeating: true, count: height * width)
    for hole in holes { isKnown[hole] = false }
    self.isKnown = isKnown
    self.height = height
    self.width = width
  }

  func filled(_ levels: [SIMD4<Double>]) -> [SIMD4<Double>] {
    Self.filled(levels, isKnown, height, width)
  }

  private static func filled(
    _ values: [SIMD4<Double>], _ isKnown: [Bool], _ height: Int, _ width: Int
  ) -> [SIMD4<Double>] {
    guard height > 1 || width > 1, isKnown.contains(false) else { return values }
    let (rows, columns) = ((height + 1) / 2, (width + 1) / 2)
    var means = [SIMD4<Double>](repeating: .zero, count: rows * columns)
    var counts = [Double](repeating: 0, count: rows * columns)
    for y in 0..<height {
      for x in 0..<width where isKnown[y * width + x] {
        means[y / 2 * columns + x / 2] += values[y * width + x]
        counts[y / 2 * columns + x / 2] += 1
      }
    }
    for i in means.indices where counts[i] > 0 { means[i] /= counts[i] }
    let coarse = filled(means, counts.map { $0 > 0 }, rows, columns)
    return (0..<height * width).map { p in
      isKnown[p] ? values[p] : coarse[p / width / 2 * columns + p % width / 2]
    }
  }
}
