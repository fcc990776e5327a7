/// What is written for an explanation.
public enum ResultFormat: String, CaseIterable, Sendable {
  /// A figure, an array, the document, a table, a page, a figure of vectors.
  case png, npy, json, csv, html, pdf
  /// The sound with the evidence alone, and without it.
  case wav

  /// The format of one file for all methods and targets, or `nil` for what each has by itself.
  public var shared: ComparisonFormat? {
    switch self {
    case .csv: .csv
    case .html: .html
    case .pdf: .pdf
    case .png, .npy, .json, .wav: nil
    }
  }
}

/// What is written of a comparison besides its document.
public enum ComparisonFormat: String, CaseIterable, Sendable {
  /// A figure, a page, a figure of vectors, a table.
  case png, html, pdf, csv
}
