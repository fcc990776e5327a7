import Prism

/// Pictures of which one half is brighter, and a network that has learnt to tell which.
enum Pictures {
  /// A picture of 32×32 with noise, brighter in one half; 0 is the left one.
  static func picture(brightHalf side: Int, seed: UInt64 = 0) throws -> Image {
    var random = SeededRandom(seed: seed &* 2 &+ UInt64(side))
    let pixels = (0..<(32 * 32)).flatMap { place -> [UInt8] in
      let isBright = (place % 32 < 16) == (side == 0)
      let value = UInt8((isBright ? 150 : 60) + 50 * random.uniform())
      return [value, value, value]
    }
    return try Image(width: 32, height: 32, pixels: pixels)
  }

  /// Pictures of both kinds in turn, and which half is bright.
  static func training() throws -> (pictures: [Image], sides: [Int]) {
    let sides = (0..<32).map { $0 % 2 }
    return (try sides.enumerated().map { try picture(brightHalf: $1, seed: UInt64($0)) }, sides)
  }

  /// The network of the article about own models, trained.
  static func model() throws -> Model { try trained.get() }

  private static let trained = Result {
    let data = try training()
    return try trainOwnNetwork(data.pictures, data.sides)
  }
}
