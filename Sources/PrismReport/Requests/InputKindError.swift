public import Prism

/// Why something cannot be had for a kind of input.
public enum InputKindError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Sounds of a model that takes pictures.
  case noSound(model: String)
  /// A division by colours of a spectrogram.
  case segments(String)

  /// One line that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .noSound(let model):
      "--format wav is for models that listen; \(model) takes pictures, so choose png, npy or json"
    case .segments(let text):
      "--segments \(text) divides pictures by colour and a spectrogram has none; choose grid:RxC "
        + "(R mel bands by C parts of the time) or a file that ends with .npy"
    }
  }
}

extension Segmenter {
  /// The division of a spectrogram: eight groups of mel bands by ten parts of the time unless told
  /// otherwise.
  ///
  /// - Throws: ``InputKindError/segments(_:)`` for what looks at colours.
  public static func forSound(_ chosen: Segmenter?, argument: String?) throws -> Segmenter {
    switch chosen {
    case nil: return .grid(rows: 8, columns: 10)
    case .grid?, .labels?: return chosen ?? .grid(rows: 8, columns: 10)
    case .quickshift?, .slic?, .felzenszwalb?: throw InputKindError.segments(argument ?? "")
    }
  }
}
