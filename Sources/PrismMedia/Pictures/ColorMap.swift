/// A scale of 256 colours for numbers from 0 to 1.
public enum ColorMap: String, CaseIterable, Sendable {
  /// From violet over green to yellow; perceptually even.
  case viridis
  /// From black over red to pale yellow; perceptually even.
  case inferno
  /// A rainbow from blue over green to red, smoother than jet.
  case turbo
  /// The old rainbow of many papers; its bright bands are not in the data.
  case jet
  /// From blue over grey to red, for signed numbers: 0.5 is the neutral middle.
  case coolwarm

  /// The colours, from that of 0 to that of 1.
  public var colors: [RGB] { Self.tables[self] ?? [] }

  /// The colour of a number; numbers outside 0…1 have that of the nearer end, NaN that of 0.
  public func color(at value: Float) -> RGB { colors[Self.index(of: value)] }

  static func index(of value: Float) -> Int {
    // As matplotlib does: 256 bins of equal width. The comparison is false for NaN.
    guard value > 0 else { return 0 }
    return value < 1 ? Int(value * 256) : 255
  }

  private static let tables: [ColorMap: [RGB]] = {
    var tables: [ColorMap: [RGB]] = [:]
    for map in allCases { tables[map] = map.parsed() }
    return tables
  }()

  private func parsed() -> [RGB] {
    func digit(_ character: UInt8) -> UInt8 {
      character <= UInt8(ascii: "9")
        ? character &- UInt8(ascii: "0") : character &- UInt8(ascii: "a") &+ 10
    }
    return hexadecimal.withUTF8Buffer { text in
      (0..<256).map { entry in
        func part(_ i: Int) -> UInt8 {
          digit(text[6 * entry + 2 * i]) << 4 | digit(text[6 * entry + 2 * i + 1])
        }
        return RGB(part(0), part(1), part(2))
      }
    }
  }
}
