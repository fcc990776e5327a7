public import Prism
internal import PrismTestSupport

/// Pictures of stripes, which a network tells apart by their colours in no time.
public enum SmallPictures {
  /// Writes pictures into a folder of their own, which is made.
  ///
  /// - Parameters:
  ///   - count: How many, called `00.png`, `01.png` and so on.
  ///   - isRed: Whether all are red, or of any colour.
  ///   - folder: The folder's path.
  ///   - seed: Selects widths and colours.
  /// - Throws: `FileError`, `ImageError`.
  public static func write(
    _ count: Int, isRed: Bool, to folder: String, seed: UInt64 = 1
  ) throws {
    try Folder.make(folder)
    for (number, picture) in try pictures(count, isRed: isRed, seed: seed).enumerated() {
      try picture.write(to: "\(folder)/\(number < 10 ? "0" : "")\(number).png")
    }
  }

  /// Pictures of 32 × 24 pixels.
  ///
  /// - Parameters:
  ///   - count: How many.
  ///   - isRed: Whether all are red, or of any colour.
  ///   - seed: Selects widths and colours.
  /// - Returns: The pictures.
  /// - Throws: `ImageError`.
  public static func pictures(_ count: Int, isRed: Bool, seed: UInt64 = 1) throws -> [Image] {
    var random = SeededRandom(seed: seed)
    return try (0..<count).map { _ in
      let width = Int(random.next(upperBound: UInt64(5))) + 2
      let shades = (0..<3).map { _ in UInt8(random.next(upperBound: UInt64(200))) }
      let pixels = (0..<32 * 24).flatMap { p -> [UInt8] in
        let isOn = (p % 32 / width).isMultiple(of: 2)
        return isRed ? [isOn ? 250 : 200, 10, 20] : shades.map { isOn ? $0 : $0 + 40 }
      }
      return try Image(width: 32, height: 24, pixels: pixels)
    }
  }
}
