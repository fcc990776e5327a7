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
    let padded = padded(parameters)
    let rows: [[Float]] = try Workers.pool.map(fullHeight) { y in
      var row = [Float](repeating: 0, count: fullWidth)
      var terms = Terms(most: blockColumns, reach: reach)
      for phase in 0..<min(step, fullWidth) {
        compute(&terms, y, phase, padded)
        for b in 0..<terms.count {
          row[phase + b * step] = min(max(terms.sums[b] / terms.totals[b], 0), 1)
        }
      }
      return row
    }
    return Array(rows.joined())
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
    let padded = padded(parameters)
    let parts = try Workers.pool.map(blockRows) { block in part(padded, gradient, block: block) }
    let stride = columns + 2 * padding
    // Sums in the order of the blocks, whichever thread made them.
    var result = [Float](repeating: 0, count: parameters.count)
    for (block, part) in parts.enumerated() {
      for ky in 0..<reach {
        let row = block + ky - padding
        guard (0..<rows).contains(row) else { continue }
        for x in 0..<columns {
          result[row * columns + x] += part[ky * stride + x + padding]
        }
      }
    }
    return result
  }

  /// What the pixels of a row of blocks give to the rows of parameters around it.
  private func part(_ padded: [Float], _ gradient: [Float], block: Int) -> [Float] {
    let stride = columns + 2 * padding
    var result = [Float](repeating: 0, count: reach * stride)
    var terms = Terms(most: blockColumns, reach: reach)
    var slopes = [Float](repeating: 0, count: blockColumns)
    for y in block * step..<min((block + 1) * step, fullHeight) {
      for phase in 0..<min(step, fullWidth) {
        let count = pixelCount(phase)
        var isFlat = true
        for b in 0..<count {
          slopes[b] = gradient[y * fullWidth + phase + b * step]
          isFlat = isFlat && slopes[b] == 0
        }
        if isFlat { continue }
        compute(&terms, y, phase, padded)
        for b in 0..<count {
          terms.sums[b] /= terms.totals[b]
          slopes[b] /= terms.totals[b]
        }
        add(terms, slopes, y, phase, padded, to: &result)
      }
    }
    return result
  }

  /// The terms of every `step`-th pixel of a row, side by side: they share the kernel's values.
  private struct Terms {
    /// How many pixels there are.
    var count = 0
    /// The sums of weights times values, and of weights.
    var sums, totals: [Float]
    /// The weights, `[k, k, pixels]` by the parameter's offset.
    var weights: [Float]

    /// Makes room for the most pixels.
    init(most: Int, reach: Int) {
      sums = [Float](repeating: 0, count: most)
      totals = sums
      weights = [Float](repeating: 0, count: most * reach * reach)
    }
  }

  /// How many pixels of a row have a place in their block.
  private func pixelCount(_ phase: Int) -> Int { (fullWidth - phase + step - 1) / step }

  /// The parameters with zeros around them.
  private func padded(_ parameters: [Float]) -> [Float] {
    let stride = columns + 2 * padding
    var result = [Float](repeating: 0, count: (rows + 2 * padding) * stride)
    for y in 0..<rows {
      for x in 0..<columns {
        result[(y + padding) * stride + x + padding] = parameters[y * columns + x]
      }
    }
    return result
  }

  private func compute(_ terms: inout Terms, _ y: Int, _ phase: Int, _ padded: [Float]) {
    let (count, stride) = (pixelCount(phase), columns + 2 * padding)
    let offsets = ((y % step) * step + phase) * reach * reach
    terms.count = count
    terms.sums.withUnsafeMutableBufferPointer { sums in
      terms.totals.withUnsafeMutableBufferPointer { totals in
        terms.weights.withUnsafeMutableBufferPointer { weights in
          padded.withUnsafeBufferPointer { padded in
            for b in 0..<count { (sums[b], totals[b]) = (0, 0) }
            for k in 0..<reach * reach {
              let kernel = kernel[offsets + k]
              let start = (y / step + k / reach) * stride + k % reach
              for b in 0..<count {
                let value = kernel * padded[start &+ b]
                let weight = plainExponential(Self.coldness * value)
                weights[k &* count &+ b] = weight
                sums[b] += weight * value
                totals[b] += weight
              }
            }
          }
        }
      }
    }
  }

  /// Adds what pixels give to parameters.
  ///
  /// - Parameters:
  ///   - terms: The pixels' terms, their sums made means.
  ///   - slopes: The gradients at the pixels over their sums of weights.
  ///   - y: The row of the pixels.
  ///   - phase: The place of the pixels in their blocks.
  ///   - padded: The parameters.
  ///   - result: `[k, columns]`, with zeros around the columns.
  private func add(
    _ terms: Terms, _ slopes: [Float], _ y: Int, _ phase: Int, _ padded: [Float],
    to result: inout [Float]
  ) {
    let (count, stride) = (terms.count, columns + 2 * padding)
    let offsets = ((y % step) * step + phase) * reach * reach
    terms.sums.withUnsafeBufferPointer { means in
      terms.weights.withUnsafeBufferPointer { weights in
        slopes.withUnsafeBufferPointer { slopes in
          padded.withUnsafeBufferPointer { padded in
            result.withUnsafeMutableBufferPointer { result in
              for k in 0..<reach * reach {
                let kernel = kernel[offsets + k]
                let start = (y / step + k / reach) * stride + k % reach
                let target = k / reach * stride + k % reach
                for b in 0..<count {
                  let value = kernel * padded[start &+ b]
                  let change = weights[k &* count &+ b] * (1 + Self.coldness * (value - means[b]))
                  result[target &+ b] += slopes[b] * change * kernel
                }
              }
            }
          }
        }
      }
    }
  }
}
