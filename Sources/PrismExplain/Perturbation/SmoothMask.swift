internal import PrismKernels
internal import PrismTensor

/// A mask whose borders have one slope everywhere: the smooth maximum of copies of one kernel, as
/// high as a coarse grid of parameters says.
///
/// A parameter stands for a place at every `step` pixels, and its kernel is 1 within half of
/// `width` and falls like a Gaussian beyond. A pixel's value is the mean of `kernel × parameter`
/// over the places around it, weighted by the softmax of twenty times the same; beyond the grid
/// parameters are zero. The mask is computed with a margin of `width` around the image, so that its
/// area counts beyond the image's borders too. Definition: Fong, Patrick and Vedaldi,
/// "Understanding Deep Networks via Extremal Perturbations and Smooth Masks", ICCV 2019; the
/// numbers are those of the package torchray.
struct SmoothMask: Sendable {
  /// How sharply the maximum chooses.
  private static let coldness: Float = 20

  /// The size of the image.
  let height, width: Int
  /// The rows and columns of parameters.
  let rows, columns: Int
  /// The size of the mask with its margin.
  let fullHeight, fullWidth: Int
  private let step, margin, padding, reach: Int
  /// The rows and columns of pixels' blocks, one a step.
  private let blockRows, blockColumns: Int
  /// The kernel's value by the place in a block and the parameter's offset, `[step, step, k, k]`.
  private let kernel: [Float]

  /// Prepares masks for images of a size.
  init(height: Int, width: Int, step: Int, kernelWidth: Int) {
    func ratio(_ a: Int, _ b: Int) -> Int { (a + b - 1) / b }
    (self.height, self.width, self.step) = (height, width, step)
    (rows, columns) = (ratio(height, step), ratio(width, step))
    margin = kernelWidth
    padding = 1 + ratio(2 * kernelWidth, step)
    let radius = 1 + ratio(kernelWidth, step)
    reach = 2 * radius + 1
    blockRows = rows + 2 * padding - reach + 1
    blockColumns = columns + 2 * padding - reach + 1
    fullHeight = step * blockRows - step + 1
    fullWidth = step * blockColumns - step + 1
    var kernel: [Float] = []
    let side = Double(kernelWidth)
    for y in 0..<step {
      for x in 0..<step {
        for ky in 0..<reach {
          for kx in 0..<reach {
            let down = Double(y - margin - step * (ky - padding))
            let right = Double(x - margin - step * (kx - padding))
            let distance = max((down * down + right * right).squareRoot() / side - 0.5, 0)
            kernel.append(Float(exponential(-2 * distance * distance)))
          }
        }
      }
    }
    self.kernel = kernel
  }

  /// The mask with its margin, row by row.
  ///
  /// - Throws: `CancellationError`.
  func full(_ parameters: [Float]) throws -> [Float] {
    let rows: [[Float]] = try Workers.pool.map(fullHeight) { self.row($0, parameters) }
    return Array(rows.joined())
  }

  private func row(_ y: Int, _ parameters: [Float]) -> [Float] {
    var row = [Float](repeating: 0, count: fullWidth)
    for x in 0..<fullWidth {
      var sum: Float = 0
      var total: Float = 0
      forEachTerm(parameters, y, x) { value, _, _ in
        let weight: Float = value == 0 ? 1 : exponential(Self.coldness * value)
        sum += weight * value
        total += weight
      }
      row[x] = min(max(sum / total, 0), 1)
    }
    return row
  }

  /// What the full mask is within the image.
  func cropped(_ full: [Float]) -> [Float] {
    var inside: [Float] = []
    for y in 0..<height {
      let start = (y + margin) * fullWidth + margin
      inside += full[start..<start + width]
    }
    return inside
  }

  /// The place of a pixel of the image in the full mask.
  func fullIndex(_ pixel: Int) -> Int {
    (pixel / width + margin) * fullWidth + pixel % width + margin
  }

  /// The gradient at the parameters of what has a gradient at the full mask.
  ///
  /// - Throws: `CancellationError`.
  func gradient(at parameters: [Float], of gradient: [Float]) throws -> [Float] {
    let parts = try Workers.pool.map(blockRows) { block in
      self.part(parameters, gradient, block: block)
    }
    // Sums in the order of the blocks, whichever thread made them.
    var result = [Float](repeating: 0, count: parameters.count)
    for (block, part) in parts.enumerated() {
      for ky in 0..<reach {
        let row = block + ky - padding
        guard (0..<rows).contains(row) else { continue }
        for x in 0..<columns { result[row * columns + x] += part[ky * columns + x] }
      }
    }
    return result
  }

  /// What the pixels of a row of blocks give to the rows of parameters around it.
  private func part(_ parameters: [Float], _ gradient: [Float], block: Int) -> [Float] {
    var result = [Float](repeating: 0, count: reach * columns)
    var weights = [Float](repeating: 0, count: reach * reach)
    for y in block * step..<min((block + 1) * step, fullHeight) {
      for x in 0..<fullWidth {
        let slope = gradient[y * fullWidth + x]
        guard slope != 0 else { continue }
        var sum: Float = 0
        var total: Float = 0
        var count = 0
        forEachTerm(parameters, y, x) { value, _, _ in
          let weight: Float = value == 0 ? 1 : exponential(Self.coldness * value)
          weights[count] = weight
          count += 1
          sum += weight * value
          total += weight
        }
        let mean = sum / total
        count = 0
        forEachTerm(parameters, y, x) { value, place, entry in
          let weight = weights[count]
          count += 1
          guard place >= 0 else { return }
          let change: Float = weight / total * (1 + Self.coldness * (value - mean))
          result[entry] += slope * change * kernelAt(y, x, count - 1)
        }
      }
    }
    return result
  }

  @inline(__always)
  private func kernelAt(_ y: Int, _ x: Int, _ k: Int) -> Float {
    kernel[((y % step) * step + x % step) * reach * reach + k]
  }

  /// Visits the terms of a pixel: kernel times parameter, the parameter's place or −1 beyond the
  /// grid, and its place among the rows that the pixel's block reaches.
  @inline(__always)
  private func forEachTerm(
    _ parameters: [Float], _ y: Int, _ x: Int, _ visit: (Float, Int, Int) -> Void
  ) {
    let start = ((y % step) * step + x % step) * reach * reach
    let (top, left) = (y / step - padding, x / step - padding)
    for ky in 0..<reach {
      let row = top + ky
      for kx in 0..<reach {
        let column = left + kx
        if row >= 0, row < rows, column >= 0, column < columns {
          let place = row * columns + column
          visit(kernel[start + ky * reach + kx] * parameters[place], place, ky * columns + column)
        } else {
          visit(0, -1, 0)
        }
      }
    }
  }
}
