/// A colour in 8-bit sRGB.
public struct RGB: Hashable, Sendable {
  /// The amount of red.
  public var red: UInt8
  /// The amount of green.
  public var green: UInt8
  /// The amount of blue.
  public var blue: UInt8

  /// Makes a colour from its three parts.
  public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  /// White.
  public static let white = RGB(255, 255, 255)
  /// Black.
  public static let black = RGB(0, 0, 0)
}
