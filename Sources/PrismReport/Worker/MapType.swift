internal import Prism

/// How a worker sends the numbers of maps.
public enum MapType: String, CaseIterable, Sendable {
  /// As they are, 4 bytes each.
  case float32
  /// Rounded to 2 bytes each; what is beyond their range becomes the largest number.
  case float16
  /// Not at all.
  case none

  /// Appends the numbers of a map, the lowest byte of each first, row by row.
  ///
  /// - Parameters:
  ///   - map: The map.
  ///   - bytes: Receives them.
  /// - Returns: Where among the bytes they begin, and how many they are.
  func append(_ map: Tensor, to bytes: inout [UInt8]) -> (offset: Int, count: Int) {
    let offset = bytes.count
    switch self {
    case .float32: map.appendLittleEndian(to: &bytes)
    case .float16: map.appendLittleEndianHalves(to: &bytes)
    case .none: break
    }
    return (offset, bytes.count - offset)
  }
}
