/// What is written of an input besides its document.
public enum ResultFormat: String, CaseIterable, Codable, Sendable {
  /// A figure a map; of a comparison one figure.
  case png
  /// The raw map, float32 `[H, W]`.
  case npy
  /// The document, which is always written.
  case json
  /// A table of all figures.
  case csv
  /// A page with the values under the pointer.
  case html
  /// A figure of vectors.
  case pdf
  /// The sound with the evidence alone, and without it.
  case wav

  /// Whether one file holds all methods and labels.
  var isShared: Bool { self == .csv || self == .html || self == .pdf }
}
