public import Prism

/// Which labels of a prediction are explained.
public enum Target {
  /// The entries that a `--target` names: labels, indices, `top`, `top3`, `above-threshold` and
  /// `all`, separated by commas; a label that itself has a comma is understood where it stands
  /// alone, and one in another case where only one label is meant.
  ///
  /// - Throws: ``TargetError``.
  public static func entries(
    _ target: String, of prediction: Prediction
  ) throws -> [Prediction.Entry] {
    let named = prediction.entries.filter { $0.label == target }
    if named.count > 1 { throw TargetError.duplicate(target, indices: named.map(\.index)) }
    if let entry = named.first { return [entry] }
    let alike = prediction.entries.filter { $0.label.lowercased() == target.lowercased() }
    let parts = target.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    if alike.count == 1, parts.count > 1 { return alike }
    if parts.count > 1 {
      var entries: [Prediction.Entry] = []
      for part in parts {
        for entry in try Self.entries(part, of: prediction)
        where !entries.contains(where: { $0.index == entry.index }) {
          entries.append(entry)
        }
      }
      return entries
    }
    if let index = Int(target) {
      guard prediction.entries.indices.contains(index) else {
        throw TargetError.noIndex(index, count: prediction.entries.count)
      }
      return [prediction.entries[index]]
    }
    let word = target.lowercased()
    if word == "all" { return prediction.entries }
    if word == "top" { return [prediction.top] }
    if word.hasPrefix("top"), let count = Int(word.dropFirst(3)), count > 0 {
      return Array(prediction.ranked.prefix(count))
    }
    if word == "above-threshold" {
      guard let threshold = prediction.threshold else { throw TargetError.noThreshold }
      let entries = prediction.ranked.filter { $0.isPresent == true }
      guard !entries.isEmpty else {
        throw TargetError.nothingAbove(threshold, top: prediction.top)
      }
      return entries
    }
    if alike.count == 1 { return alike }
    if alike.count > 1 { throw TargetError.ambiguous(target, candidates: alike.map(\.label)) }
    let labels = prediction.entries.map(\.label)
    throw TargetError.unknownLabel(target, nearest: Text.nearest(to: target, among: labels))
  }
}

/// Why there is nothing to explain.
public enum TargetError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The model has no such label.
  case unknownLabel(String, nearest: String?)
  /// Several labels differ from the name in case only.
  case ambiguous(String, candidates: [String])
  /// Several labels have the same name.
  case duplicate(String, indices: [Int])
  /// The model has no output of the index.
  case noIndex(Int, count: Int)
  /// The labels exclude each other.
  case noThreshold
  /// No label is probable enough.
  case nothingAbove(Double, top: Prediction.Entry)

  /// One line that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .unknownLabel(let name, let nearest):
      "the model has no label \(name)"
        + (nearest.map { "; did you mean \($0)?" } ?? "; `prism models --json` lists the labels")
    case .ambiguous(let name, let candidates):
      "\(name) may be \(candidates.joined(separator: " or ")); write the label as the model does"
    case .duplicate(let name, let indices):
      "the model has \(indices.count) labels \(name); give the index of the one that is meant: "
        + indices.map { "\($0)" }.joined(separator: " or ")
    case .noIndex(let index, let count):
      "the model has no label with the index \(index); its \(count) labels are counted from 0"
    case .noThreshold:
      "the labels of this model exclude each other and have no threshold; use --target top3, say"
    case .nothingAbove(let threshold, let top):
      "no label reaches the threshold of \(threshold); the most probable is \(top.label)"
    }
  }
}
