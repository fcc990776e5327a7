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
  static let tolerance = 1e-5
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
    let stride = width + 2
    func padded(_ pixel: Int) -> Int { (pixel / width + 1) * stride + pixel % width + 1 }
    let places = holes.map(padded)
    var isHole = [Bool](repeating: false, count: (height + 2) * stride)
    for place in places { isHole[place] = true }
    // The weights add up to 1 but at the border.
    let sums = holes.map { pixel in
      Self.neighbours.reduce(0.0) { sum, neighbour in
        let (y, x) = (pixel / width + neighbour.y, pixel % width + neighbour.x)
        let isInside = y >= 0 && y < height && x >= 0 && x < width
        return isInside ? sum + neighbour.weight : sum
      }
    }
    let start = PushPull(isHole: holes, height: height, width: width)
    let filled = (0..<channels).map { channel in
      var grid = [Double](repeating: 0, count: isHole.count)
      for pixel in 0..<height * width {
        grid[padded(pixel)] = Double(result[pixel * channels + channel])
      }
      let guess = start.filled(grid: (0..<height * width).map { grid[padded($0)] })
      return solve(
        grid, places: places, sums: sums, stride: stride, isHole: isHole,
        guess: holes.map { guess[$0] })
    }
    for (number, pixel) in holes.enumerated() {
      for channel in 0..<channels {
        result[pixel * channels + channel] =
          Float(filled[channel][number] + noise * Double(random.normal()))
      }
    }
    return Tensor(image.shape, result)
  }

  /// Conjugate gradients for one channel.
  private func solve(
    _ grid: [Double], places: [Int], sums: [Double], stride: Int, isHole: [Bool], guess: [Double]
  ) -> [Double] {
    let count = places.count
    let corner = 1.0 / 12
    let side = 1.0 / 6
    // What the neighbours of every hole add up to, of those with numbers in `grid`.
    func gathered(_ grid: UnsafeBufferPointer<Double>, _ place: Int) -> Double {
      let (above, below) = (place - stride, place + stride)
      return corner * (grid[above - 1] + grid[above + 1] + grid[below - 1] + grid[below + 1])
        + side * (grid[above] + grid[below] + grid[place - 1] + grid[place + 1])
    }
    var known = grid
    for place in places { known[place] = 0 }
    let right = known.withUnsafeBufferPointer { known in places.map { gathered(known, $0) } }
    // The unknowns on the grid, zero elsewhere.
    var field = [Double](repeating: 0, count: grid.count)
    func product(_ vector: [Double]) -> [Double] {
      for (number, place) in places.enumerated() { field[place] = vector[number] }
      return field.withUnsafeBufferPointer { field in
        (0..<count).map { sums[$0] * vector[$0] - gathered(field, places[$0]) }
      }
    }
    func dot(_ a: [Double], _ b: [Double]) -> Double {
      var sum = 0.0
      for i in 0..<count { sum += a[i] * b[i] }
      return sum
    }
    var solution = guess
    var residual = zip(right, product(solution)).map { $0 - $1 }
    var direction = residual
    var size = dot(residual, residual)
    let goal = Self.tolerance * Self.tolerance * max(dot(right, right), .leastNormalMagnitude)
    for _ in 0..<Self.limit where size > goal {
      let image = product(direction)
      let step = size / dot(direction, image)
      guard step.isFinite else { break }
      for i in 0..<count {
        solution[i] += step * direction[i]
        residual[i] -= step * image[i]
      }
      let next = dot(residual, residual)
      let share = next / size
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

  func filled(grid: [Double]) -> [Double] {
    Self.filled(grid, isKnown.map { $0 ? 1 : 0 }, height, width)
  }

  private static func filled(
    _ values: [Double], _ weights: [Double], _ height: Int, _ width: Int
  ) -> [Double] {
    guard height > 1 || width > 1, weights.contains(0) else { return values }
    let (rows, columns) = ((height + 1) / 2, (width + 1) / 2)
    var means = [Double](repeating: 0, count: rows * columns)
    var counts = means
    for y in 0..<height {
      for x in 0..<width where weights[y * width + x] > 0 {
        means[y / 2 * columns + x / 2] += values[y * width + x]
        counts[y / 2 * columns + x / 2] += 1
      }
    }
    for i in means.indices where counts[i] > 0 { means[i] /= counts[i] }
    let coarse = filled(means, counts.map { min($0, 1) }, rows, columns)
    return (0..<height * width).map { p in
      weights[p] > 0 ? values[p] : coarse[p / width / 2 * columns + p % width / 2]
    }
  }
}
