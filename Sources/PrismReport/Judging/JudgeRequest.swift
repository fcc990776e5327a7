public import Prism

/// What is judged, and how.
public struct JudgeRequest: Sendable {
  /// The methods, their settings, the seed and how inputs are read.
  public var explanations: ExplanationRequest
  /// The path of the masks, as of ``TruthMasks``; `nil` for none.
  public var masks: String?
  /// What is measured beside what costs nothing.
  public var tests: Set<MapTest> = [.curves]
  /// The labels that are judged, by their names or indices; `nil` for all.
  public var labels: [String]?
  /// The most pictures a label, drawn by the seed; `nil` for all.
  public var pictures: Int?
  /// Whether labels that the model does not find are left out.
  public var onlyFound = false
  /// The split of the data; `nil` for the usual one.
  public var split: String?
  /// The resamples of the bootstrap.
  public var resamples = 1000
  /// The measure that ranks; `nil` for the usual one.
  public var ranking: MapMeasure?

  /// Makes a request with the usual choices.
  ///
  /// - Parameter explanations: The methods, their settings, the seed and how inputs are read.
  public init(_ explanations: ExplanationRequest) {
    self.explanations = explanations
  }
}

/// Why there is nothing to judge.
public enum JudgeError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The data have no picture with any of the labels.
  case nothing(String, split: String)
  /// A label is named that the model does not have.
  case unknownLabel(String, nearest: String?)
  /// None of the methods fits the model.
  case noMethod([String])
  /// A measure cannot rank because it is not measured.
  case unmeasured(MapMeasure, how: String)
  /// The model finds none of the labels.
  case noneFound
  /// Masks were given, of which none can be used, and nothing else was measured that ranks.
  case noRegion(String?)

  /// One line that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .nothing(let path, let split):
      "\(Text.printable(path)): no file of \(split) has one of the labels, so there is nothing to "
        + "explain; choose another --split or other --labels"
    case .unknownLabel(let name, let nearest):
      "the model has no label \(Text.printable(name))"
        + (nearest.map { "; did you mean \(Text.printable($0))?" }
          ?? "; `prism models --json` lists the labels")
    case .noMethod(let reasons):
      "none of the methods fits the model: " + reasons.joined(separator: "; ")
    case .unmeasured(let measure, let how):
      "--rank-by \(measure.rawValue) needs what is not measured: \(how)"
    case .noRegion(let problem):
      "none of the labels has a mask that can be used, so there is nothing to judge by"
        + (problem.map { ", such as: \($0)" } ?? "")
        + "; mend --masks, or add --measures"
    case .noneFound:
      "the model finds none of the labels in the data, so --only-found leaves nothing to judge"
    }
  }
}
