public import Prism

/// A method that could not explain an input, while others may have.
public struct MethodFailure: Sendable, Equatable {
  /// The method.
  public let method: String
  /// Which part of a sound it failed at, in words.
  public let window: String?
  /// Why, in one line.
  public let reason: String

  /// The failure as one line.
  public var line: String { "\(method)\(window.map { ", \($0)" } ?? ""): \(reason)" }

  var json: JSON {
    [
      "method": .string(method), "window": window.map(JSON.string) ?? .null,
      "reason": .string(reason),
    ]
  }
}

/// What is known about an input after some of the methods, or all of them: its document, and its
/// files as they are written.
public struct InputResults: Sendable {
  /// Lines about some of the files.
  public struct Section: Sendable {
    /// What the files show.
    public let title: String
    /// The names of the files.
    public let files: [String]
    /// What there is to say about them.
    public let lines: [String]
  }

  /// A map as numbers.
  public struct Map: Sendable {
    /// The method's name.
    public let method: String
    /// The explained label.
    public let target: Prediction.Entry
    /// The explained part of a sound, in seconds; `nil` of a picture.
    public let window: ClosedRange<Double>?
    /// How often the model was evaluated.
    public let evaluations: Int
    /// The raw map, `[H, W]` at the model's input size.
    public let values: Tensor
  }

  /// The document.
  public let document: JSON
  /// All files, that of the document last.
  public let files: [OutputFolder.File]
  /// What the model says, a line each.
  public let summary: [String]
  /// What the files show.
  public let sections: [Section]
  /// Methods that could not explain the input.
  public let failures: [MethodFailure]
  /// The maps in the order of the document's explanations; none of a comparison.
  public var maps: [Map] = []

  /// The names of the files that no section names.
  public var otherFiles: [String] {
    let named = Set(sections.flatMap(\.files))
    return files.map(\.name).filter { !named.contains($0) }
  }
}
