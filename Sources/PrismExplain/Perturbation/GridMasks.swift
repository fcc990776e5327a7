/// Masks of a few numbers, each of which stands for a rectangle of the image.
///
/// A pixel in row y of H belongs to the row `⌊y · rows / H⌋` of the grid, and its column likewise.
public struct GridMasks: Sendable, Equatable, Codable {
  /// The rows of the grid.
  public let rows: Int
  /// The columns of the grid.
  public let columns: Int
  /// The masks, each row by row: how much of the image is kept in each rectangle, from 0 to 1.
  public let values: [[Float]]

  /// Makes masks.
  public init(rows: Int, columns: Int, values: [[Float]]) {
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  /// The masks at the size of an image.
  ///
  /// - Throws: ``ExplanationError/parameter(_:_:)`` where the grid does not fit the image.
  func sized(height: Int, width: Int) throws(ExplanationError) -> Sized {
    guard (1...height).contains(rows), (1...width).contains(columns) else {
      throw .parameter("the grid", "must have at least 1 cell and no more than pixels")
    }
    guard
      values.allSatisfy({ mask in
        mask.count == rows * columns && mask.allSatisfy { $0 >= 0 && $0 <= 1 }
      })
    else { throw .parameter("a mask", "needs a number from 0 to 1 for each cell of the grid") }
    return Sized(
      masks: self,
      cells: (0..<height * width).map { p in
        p / width * rows / height * columns + p % width * columns / width
      })
  }

  /// The masks at a size: which cell each pixel belongs to is found once for all of them.
  struct Sized: Sendable {
    fileprivate let masks: GridMasks
    fileprivate let cells: [Int]

    /// The mask with an index, one number from 0 to 1 a pixel, row by row.
    subscript(sample: Int) -> [Float] {
      let values = masks.values[sample]
      return cells.map { values[$0] }
    }
  }
}

extension [MethodParameter] {
  /// The parameters of a method that fades the cells of a grid.
  static func ofGrid(
    samples: Int, cells: Int, masker: Masker, output: ExplainedOutput
  ) -> [MethodParameter] {
    [
      .integer("samples", samples), .integer("cells", cells), .text("mask", masker.description),
      .text("output", output.rawValue),
    ]
  }
}
