public import Prism

/// Which labels of a prediction are explained.
public enum Target {
  /// The entries that a `--target` names.
  ///
  /// Labels, indices, `top`, `top3`, `above-threshold` and `all`, separated by commas; a label that itself has a comma is understood where it stands
  /// alone, and one in another case where only one label is meant. `husky-vs-malamute` is one label
  /// against another (``Prediction/contrast(of:against:)``); each side is what means one label.
  ///
  /// - Throws: ``TargetError``.
  public static func entries(
    _ target: String, of prediction: Prediction
  ) throws -> [Prediction.Entry] {
    let named = prediction.entries.filter { $0.label == target }
    if named.count > 1 { throw TargetError.duplicate(target, indices: named.map(\.index)) }
    if let entry = named.first { return [entry] }
    let alike = prediction.entries.filter { $0.label.lowercased() == target.lowercased() }
    if alike.isEmpty, let contrast = try contrast(target, of: prediction) { return [contrast] }
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
    if let sides = sides(of: target).first { try misfit(sides, of: prediction, target) }
    let labels = prediction.entries.map(\.label)
    throw TargetError.unknownLabel(target, nearest: Text.nearest(to: target, among: labels))
  }

  /// What stands between the two labels of a contrast.
  private static let versus = "-vs-"

  /// The contrast that a text means: at whichever of its separators both sides are a label, in any
  /// case, its index or `top`.
  ///
  /// - Returns: `nil` where there is no such separator.
  /// - Throws: ``TargetError`` where there are several, or both sides are the same label.
  private static func contrast(
    _ target: String, of prediction: Prediction
  ) throws(TargetError) -> Prediction.Entry? {
    let sides = sides(of: target)
    guard !sides.isEmpty else { return nil }
    let exact = Dictionary(grouping: prediction.entries, by: \.label)
    let alike = Dictionary(grouping: prediction.entries) { $0.label.lowercased() }
    func label(_ side: String) -> Prediction.Entry? {
      if let named = exact[side] { return named.count == 1 ? named[0] : nil }
      if let named = alike[side.lowercased()] { return named.count == 1 ? named[0] : nil }
      if side.lowercased() == "top" { return prediction.top }
      return Int(side).flatMap {
        prediction.entries.indices.contains($0) ? prediction.entries[$0] : nil
      }
    }
    let found = sides.compactMap { first, second in
      label(first).flatMap { first in label(second).map { (first, $0) } }
    }
    guard let (first, second) = found.first else { return nil }
    guard found.count == 1 else {
      throw .ambiguous(target, candidates: found.map { "\($0.label) against \($1.label)" })
    }
    guard first.index != second.index else { throw .sameLabel(target) }
    return prediction.contrast(of: first, against: second)
  }

  /// What stands on both sides of every separator of a text.
  private static func sides(of target: String) -> [(String, String)] {
    let (text, separator) = (Array(target.utf8), Array(versus.utf8))
    let lower = text.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    return text.indices.dropLast(separator.count - 1).compactMap { place in
      guard lower[place..<place + separator.count].elementsEqual(separator) else { return nil }
      return (
        String(decoding: text[..<place], as: UTF8.self),
        String(decoding: text[(place + separator.count)...], as: UTF8.self)
      )
    }
  }

  /// Why a text with a separator means no contrast.
  private static func misfit(
    _ sides: (String, String), of prediction: Prediction, _ target: String
  ) throws -> Never {
    for side in [sides.0, sides.1] where Self.sides(of: side).isEmpty {
      _ = try entries(side, of: prediction)
    }
    throw TargetError.severalLabels(target)
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
  /// A side of a contrast means several labels.
  case severalLabels(String)
  /// A contrast of a label with itself.
  case sameLabel(String)
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
    case .severalLabels(let name):
      "\(name) needs one label on each side of -vs-"
    case .sameLabel(let name):
      "\(name) compares a label with itself; name two labels"
    case .noIndex(let index, let count):
      "the model has no label with the index \(index); its \(count) labels are counted from 0"
    case .noThreshold:
      "the labels of this model exclude each other and have no threshold; use --target top3, say"
    case .nothingAbove(let threshold, let top):
      "no label reaches the threshold of \(threshold); the most probable is \(top.label)"
    }
  }
}
