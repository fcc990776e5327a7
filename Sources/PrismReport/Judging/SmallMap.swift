internal import Prism

/// A map made small, in whole numbers: enough for a thumbnail and for comparing maps, not for
/// measuring.
struct SmallMap: Sendable, Equatable {
  /// The most rows and columns.
  static let side = 32

  /// The rows.
  let rows: Int
  /// The columns.
  let columns: Int
  /// From −127 to 127; the greatest magnitude has 127.
  let levels: [Int8]

  /// Makes a map small: every cell is the mean of its part of the map.
  ///
  /// - Parameters:
  ///   - map: `[H, W]`.
  ///   - side: The most rows and columns.
  init(_ map: Tensor, side: Int = SmallMap.side) {
    let (height, width) = (map.shape[0], map.shape[1])
    (rows, columns) = (min(side, height), min(side, width))
    let means = Self.means(map, rows: rows, columns: columns)
    let greatest = means.map(abs).max() ?? 0
    levels = means.map { greatest > 0 ? Int8(($0 / greatest * 127).rounded()) : 0 }
  }

  /// Takes numbers as they were written.
  init?(rows: Int, columns: Int, bytes: [UInt8]) {
    guard rows > 0, columns > 0, rows <= Self.side, columns <= Self.side,
      bytes.count == rows * columns
    else { return nil }
    (self.rows, self.columns) = (rows, columns)
    levels = bytes.map { Int8(bitPattern: $0) }
  }

  /// The numbers as bytes.
  var bytes: [UInt8] { levels.map { UInt8(bitPattern: $0) } }

  /// The map, from −1 to 1, `[rows, columns]`.
  var tensor: Tensor { Tensor([rows, columns], levels.map { Float($0) / 127 }) }

  private static func means(_ map: Tensor, rows: Int, columns: Int) -> [Double] {
    let (height, width) = (map.shape[0], map.shape[1])
    var sums = [Double](repeating: 0, count: rows * columns)
    var counts = sums
    for (p, value) in map.scalars.enumerated() {
      let cell = p / width * rows / height * columns + p % width * columns / width
      sums[cell] += Double(value)
      counts[cell] += 1
    }
    return zip(sums, counts).map { $0 / $1 }
  }
}
