public import Prism

/// How pictures are read: which samples are black and white, and which frame is meant.
public struct PictureReading: Codable, Sendable, Equatable {
  /// The samples that are black and white: `full`, `used`, or the two with a colon between, such as
  /// `0:4095`; `nil` for what the file says.
  public var range: String?
  /// A radiologist's window, as its centre and its width with a colon between, such as `40:400`.
  public var window: String?
  /// Which frame of a file with several, counted from 1; `nil` refuses such files.
  public var frame: Int?

  /// Makes a reading as the files themselves say.
  public init() {}

  /// Whether anything was chosen.
  var isChosen: Bool { self != PictureReading() }

  /// The choices as decoding takes them, with the limits that hold now.
  ///
  /// - Throws: ``RequestError/reading(_:_:)`` for what is not understood.
  public func options() throws(RequestError) -> PictureOptions {
    if let frame, frame < 1 {
      throw .reading("--frame \(frame)", "frames are counted from 1")
    }
    return PictureOptions(range: try toneRange(), frame: frame)
  }

  private func toneRange() throws(RequestError) -> ToneRange {
    if range != nil, window != nil {
      throw .reading(
        "--range with --window-level", "both say which samples are black and white; give one")
    }
    if let range {
      switch range.lowercased() {
      case "full": return .full
      case "used": return .used
      default:
        guard let ends = Self.pair(range), ends.0 < ends.1 else {
          throw .reading(
            "--range \(range)",
            "give full, used or the samples that are black and white, such as 0:4095")
        }
        return .limits(low: ends.0, high: ends.1)
      }
    }
    if let window {
      guard let (center, width) = Self.pair(window), width > 1 else {
        throw .reading(
          "--window-level \(window)",
          "give the centre and the width, which is above 1, such as 40:400")
      }
      return .window(center: center, width: width)
    }
    return .automatic
  }

  /// Two finite numbers with a colon between.
  private static func pair(_ text: String) -> (Double, Double)? {
    let numbers = text.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
    guard numbers.count == 2, let first = numbers[0], let second = numbers[1],
      first.isFinite, second.isFinite
    else { return nil }
    return (first, second)
  }
}
