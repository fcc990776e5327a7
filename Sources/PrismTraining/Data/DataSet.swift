internal import PrismFiles

/// Pictures or sounds with their true labels, divided into splits.
///
/// Made by ``open(_:options:)``, which recognises how the data are laid out. What it leaves out,
/// and why, is in ``findings``; ``inspected(work:read:)`` reads the files themselves.
public struct DataSet: Sendable, Equatable, Codable {
  /// How the data are laid out on the disk.
  public enum Layout: String, Sendable, Codable {
    /// A folder for every class.
    case classFolders = "class folders"
    /// A folder for every split, with a folder for every class in it, as Fake-or-Real is
    /// published.
    case splitFolders = "split folders"
    /// A CSV of paths and labels.
    case table = "CSV of paths and labels"
    /// The CSV of CheXpert.
    case cheXpert = "CheXpert"
  }

  /// What the files hold.
  public enum Contents: String, Sendable, Codable {
    /// Files that `Image` reads.
    case pictures
    /// Files that `Sound` reads.
    case sounds
  }

  /// The path that was opened.
  public let path: String
  /// How the data are laid out.
  public let layout: Layout
  /// What the files hold.
  public let contents: Contents
  /// The names of the labels; of two, the negative first.
  public let labels: [String]
  /// Whether a sample may have several labels.
  public let isMultiLabel: Bool
  /// The parts: training, validation and testing, those that there are.
  public internal(set) var splits: [Split]
  /// The seed that divided the data, or `nil` where the data themselves say what is for testing.
  public let dividingSeed: UInt64?
  /// What a reader should know, such as the policy for uncertain labels.
  public internal(set) var notes: [String]
  /// What is left out or there twice, the worst first.
  public internal(set) var findings: [Finding]
  /// A digest of the names and labels of all samples, which other data do not have.
  public internal(set) var listDigest: String

  init(
    path: String, layout: Layout, contents: Contents, labels: [String], isMultiLabel: Bool,
    splits: [Split], dividingSeed: UInt64?, notes: [String], findings: Findings
  ) {
    self.path = path
    self.layout = layout
    self.contents = contents
    self.labels = labels
    self.isMultiLabel = isMultiLabel
    self.splits = splits
    self.dividingSeed = dividingSeed
    self.notes = notes
    self.findings = findings.list
    listDigest = Self.digest(splits, labels)
  }

  /// The part with a name, or `nil` where there is none; `all` is the union of all parts.
  public func split(_ name: String) -> Split? {
    guard name == Self.wholeName else { return splits.first { $0.name == name } }
    return Split(
      name: name, samples: splits.flatMap(\.samples), missing: splits.flatMap(\.missing))
  }

  /// The names of splits, in their order.
  public static let splitNames = ["training", "validation", "testing"]
  /// The name of the union of all splits.
  public static let wholeName = "all"

  static func digest(_ splits: [Split], _ labels: [String]) -> String {
    let lines = splits.flatMap { $0.samples + $0.missing }.map { "\($0.shortPath) \($0.truth)" }
    var digest = SHA256()
    for line in labels + lines.sorted() {
      Array((line + "\n").utf8).withUnsafeBytes { digest.update($0) }
    }
    return digest.hexadecimalDigest()
  }

  /// The data without some files.
  ///
  /// - Parameter paths: The files that are left out.
  /// - Returns: The data with all other files.
  public func without(_ paths: Set<String>) -> DataSet {
    var result = self
    result.splits = splits.map { split in
      Split(
        name: split.name, samples: split.samples.filter { !paths.contains($0.path) },
        missing: split.missing)
    }
    return result
  }
}
