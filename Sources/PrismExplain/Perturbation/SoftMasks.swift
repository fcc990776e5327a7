internal import PrismTensor

/// Random soft masks, as RISE draws them: each follows from the seed and its index alone.
///
/// A mask is a grid of `cells × cells` bits that are one with the probability p, enlarged
/// bilinearly to one cell more than the image (half-pixel centres, reflected at the border) and
/// shifted at random by less than a cell.
///
/// Masks may come in pairs: the second has the bits that the opposite random numbers give (the
/// complement, for a half) and the same shift, and shifts follow a sequence that covers all of them
/// evenly. What is expected of a mask is the same.
public struct SoftMasks: Sendable, Equatable, Codable {
  /// The number of masks.
  public let count: Int
  /// The rows and columns of the grid.
  public let cells: Int
  /// The share of cells that are kept.
  public let probability: Double
  /// The seed of the grids and shifts.
  public let seed: UInt64
  /// Whether masks come in pairs.
  public let arePaired: Bool

  /// Makes the masks.
  public init(
    count: Int, cells: Int, probability: Double, seed: UInt64, arePaired: Bool = false
  ) {
    self.count = count
    self.cells = cells
    self.probability = probability
    self.seed = seed
    self.arePaired = arePaired
  }

  /// Reads the masks; those that do not say so are not paired.
  ///
  /// - Throws: `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    count = try container.decode(Int.self, forKey: .count)
    cells = try container.decode(Int.self, forKey: .cells)
    probability = try container.decode(Double.self, forKey: .probability)
    seed = try container.decode(UInt64.self, forKey: .seed)
    arePaired = try container.decodeIfPresent(Bool.self, forKey: .arePaired) ?? false
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
      let draw = draw(sample)
      return mask(draw.grid, top: draw.top, left: draw.left)
    }

    /// The grid and the shift of the mask with an index.
    func draw(_ sample: Int) -> (grid: [Float], top: Int, left: Int) {
      guard masks.arePaired else {
        var random = SeededRandom(seed: masks.seed, sample: sample)
        let grid = bits(isOpposite: false, &random)
        let top = Int(random.next(upperBound: UInt64(cell.height)))
        let left = Int(random.next(upperBound: UInt64(cell.width)))
        return (grid, top, left)
      }
      var random = SeededRandom(seed: masks.seed, sample: sample / 2)
      let grid = bits(isOpposite: sample % 2 == 1, &random)
      let start = CounterRandom(seed: masks.seed &+ 1)
      func place(_ axis: Int, _ step: Double, _ count: Int) -> Int {
        let position = start.uniform(axis) + Double(sample / 2) * step
        return min(Int((position - position.rounded(.down)) * Double(count)), count - 1)
      }
      // The steps of Kronecker's sequence by the plastic number, which is the golden mean's like in
      // two dimensions.
      return (
        grid, place(0, 0.754_877_666_246_692_8, cell.height),
        place(1, 0.569_840_290_998_053_3, cell.width)
      )
    }

    private func bits(isOpposite: Bool, _ random: inout SeededRandom) -> [Float] {
      (0..<masks.cells * masks.cells).map { _ -> Float in
        let number = Double(random.uniform())
        return (isOpposite ? number >= 1 - masks.probability : number < masks.probability) ? 1 : 0
      }
    }

    /// How much a pixel or a block of pixels along an axis has of every cell, for every shift.
    ///
    /// - Parameters:
    ///   - vertical: Whether along the rows.
    ///   - blocks: The pixels of every block.
    /// - Returns: `shifts × blocks × cells` numbers.
    func shares(vertical: Bool, of blocks: [Range<Int>]) -> [[[Double]]] {
      let axis = vertical ? rows : columns
      return (0..<(vertical ? cell.height : cell.width)).map { shift in
        blocks.map { block in
          var shares = [Double](repeating: 0, count: masks.cells)
          for pixel in block {
            let weight = Double(axis.weight[pixel + shift])
            shares[axis.first[pixel + shift]] += (1 - weight) / Double(block.count)
            shares[axis.second[pixel + shift]] += weight / Double(block.count)
          }
          return shares
        }
      }
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
