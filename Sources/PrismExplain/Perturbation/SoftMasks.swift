internal import PrismTensor

/// Random soft masks, as RISE draws them: each follows from the seed and its index alone.
///
/// A mask is a grid of `cells × cells` bits that are one with the probability p, enlarged
/// bilinearly to one cell more than the image (half-pixel centres, reflected at the border) and
/// shifted at random by less than a cell.
public struct SoftMasks: Sendable, Equatable, Codable {
  /// The number of masks.
  public let count: Int
  /// The rows and columns of the grid.
  public let cells: Int
  /// The share of cells that are kept.
  public let probability: Double
  /// The seed of the grids and shifts.
  public let seed: UInt64

  /// Makes the masks.
  public init(count: Int, cells: Int, probability: Double, seed: UInt64) {
    self.count = count
    self.cells = cells
    self.probability = probability
    self.seed = seed
  }

  /// The masks at the size of an image.
  ///
  /// - Throws: ``ExplanationError/parameter(_:_:)`` where the grid does not fit the image.
  func sized(height: Int, width: Int) throws(ExplanationError) -> Sized {
    guard (1...min(height, width)).contains(cells) else {
      throw .parameter("the grid", "must have at least 1 cell and no more than pixels")
    }
    guard probability > 0, probability <= 1 else {
      throw .parameter("the probability", "must be above 0 and at most 1")
    }
    return Sized(masks: self, height: height, width: width)
  }

  /// The masks at a size: the resize's axes are found once for all of them.
  struct Sized: Sendable {
    let masks: SoftMasks
    let height, width: Int
    private let rows, columns: ResizeAxis
    private let cell: (height: Int, width: Int)

    fileprivate init(masks: SoftMasks, height: Int, width: Int) {
      self.masks = masks
      self.height = height
      self.width = width
      let cells = masks.cells
      cell = ((height + cells - 1) / cells, (width + cells - 1) / cells)
      rows = ResizeAxis(
        from: cells, to: (cells + 1) * cell.height, alignment: .mirroredCentres)
      columns = ResizeAxis(
        from: cells, to: (cells + 1) * cell.width, alignment: .mirroredCentres)
    }

    /// The mask with an index, one number from 0 to 1 a pixel, row by row.
    subscript(sample: Int) -> [Float] {
      var random = SeededRandom(seed: masks.seed, sample: sample)
      let grid = (0..<masks.cells * masks.cells).map { _ -> Float in
        Double(random.uniform()) < masks.probability ? 1 : 0
      }
      let top = Int(random.next(upperBound: UInt64(cell.height)))
      let left = Int(random.next(upperBound: UInt64(cell.width)))
      return mask(grid, top: top, left: left)
    }

    /// A grid enlarged and cropped.
    func mask(_ grid: [Float], top: Int, left: Int) -> [Float] {
      let cells = masks.cells
      var mask: [Float] = []
      mask.reserveCapacity(height * width)
      for y in top..<top + height {
        let (upper, lower, v) = (rows.first[y] * cells, rows.second[y] * cells, rows.weight[y])
        for x in left..<left + width {
          let (l, r, u) = (columns.first[x], columns.second[x], columns.weight[x])
          mask.append(
            (1 - v) * ((1 - u) * grid[upper + l] + u * grid[upper + r])
              + v * ((1 - u) * grid[lower + l] + u * grid[lower + r]))
        }
      }
      return mask
    }
  }
}
