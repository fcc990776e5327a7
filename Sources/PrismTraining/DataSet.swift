internal import PrismFiles
internal import PrismTensor

/// Pictures or sounds with their true labels, divided into splits.
///
/// Made by ``open(_:options:)``, which recognises how the data are laid out.
public struct DataSet: Sendable {
  /// How the data are laid out on the disk.
  public enum Layout: String, Sendable {
    /// A folder for every class.
    case classFolders = "class folders"
    /// A folder for every split, with a folder for every class in it, as Fake-or-Real is published.
    case splitFolders = "split folders"
    /// A CSV of paths and labels.
    case table = "CSV of paths and labels"
    /// The CSV of CheXpert.
    case cheXpert = "CheXpert"
  }

  /// What the files hold.
  public enum Contents: String, Sendable {
    /// PNG or JPEG.
    case pictures
    /// WAV, FLAC, Ogg or MP3.
    case sounds
  }

  /// What is true of one sample.
  public enum Truth: Sendable, Equatable {
    /// The index of its only label.
    case label(Int)
    /// For every label 1, 0, or NaN where it is not known.
    case labels([Float])
  }

  /// One file with what is true of it.
  public struct Sample: Sendable, Equatable {
    /// The path of the file.
    public let path: String
    /// Its labels.
    public let truth: Truth

    /// Makes a sample.
    public init(path: String, truth: Truth) {
      self.path = path
      self.truth = truth
    }
  }

  /// A part of the data with one purpose.
  public struct Split: Sendable {
    /// `training`, `validation` or `testing`.
    public let name: String
    /// The samples whose files are there, in a fixed order.
    public let samples: [Sample]
    /// What is true of the samples whose files are missing.
    public let missing: [Sample]

    /// The number of samples with each label, whether the file is there or not.
    public func counts(of labels: Int) -> [Int] {
      var counts = [Int](repeating: 0, count: labels)
      for sample in samples + missing {
        switch sample.truth {
        case .label(let index): counts[index] += 1
        case .labels(let values):
          for (i, value) in values.enumerated() where value == 1 { counts[i] += 1 }
        }
      }
      return counts
    }

    /// The number of samples of which each label is not known.
    public func unknownCounts(of labels: Int) -> [Int] {
      var counts = [Int](repeating: 0, count: labels)
      for sample in samples + missing {
        guard case .labels(let values) = sample.truth else { continue }
        for (i, value) in values.enumerated() where value.isNaN { counts[i] += 1 }
      }
      return counts
    }
  }

  /// What a blank or uncertain mention of a finding in a CheXpert report becomes.
  public enum Uncertainty: String, Sendable, CaseIterable {
    /// Uncertain counts as present (U-Ones).
    case ones
    /// Uncertain counts as absent (U-Zeros).
    case zeros
    /// Uncertain takes no part in the loss and in measures (U-Ignore).
    case ignore
  }

  /// How data are read.
  public struct Options: Sendable {
    /// What uncertain findings of CheXpert become; blanks become 0.
    public var uncertainty = Uncertainty.ones
    /// Whether lateral pictures of CheXpert are used besides frontal ones.
    public var includesLateral = false
    /// The folder that paths of a CSV begin at; where the CSV is, or its parent, unless given.
    public var root: String?
    /// Of two labels the one that a binary model's probability is of.
    public var positive: String?
    /// Selects the split where the data have none.
    public var seed: UInt64 = 0

    /// Makes the options that are usual.
    public init() {}
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
  public let splits: [Split]
  /// What a reader should know, such as the policy for uncertain labels.
  public let notes: [String]

  /// The part with a name, or `nil` where there is none.
  public func split(_ name: String) -> Split? { splits.first { $0.name == name } }

  /// The names of splits, in their order.
  public static let splitNames = ["training", "validation", "testing"]

  /// Recognises how data are laid out and reads their list.
  ///
  /// A folder with `training`, `validation` and `testing` (or `train`, `valid`, `val`, `test`) has split folders; a
  /// folder with `train.csv` is CheXpert; other folders have a folder for every class. A CSV with the column
  /// `Frontal/Lateral` is CheXpert's; any other needs the columns `path` and `label` (or `labels`, several joined by
  /// `|`), and may have `split`.
  ///
  /// - Parameters:
  ///   - path: A folder or a CSV file.
  ///   - options: How the data are read.
  /// - Returns: The data with their labels.
  /// - Throws: ``DataSetError``, `FileError`.
  public static func open(_ path: String, options: Options = Options()) throws -> DataSet {
    guard let isFolder = Folder.isFolder(path) else { throw FileError.notFound(path) }
    guard isFolder else { return try table(path, options) }
    let names = try Folder.names(in: path)
    if names.contains("train.csv") {
      return try table("\(path)/train.csv", options)
    }
    let splits = names.filter { splitName($0) != nil && Folder.isFolder("\(path)/\($0)") == true }
    return splits.contains { splitName($0) == "training" }
      ? try splitFolders(path, folders: splits, options) : try classFolders(path, options)
  }

  /// The split that a folder or a cell names.
  static func splitName(_ name: String) -> String? {
    switch name.lowercased() {
    case "training", "train": "training"
    case "validation", "valid", "val", "dev": "validation"
    case "testing", "test": "testing"
    default: nil
    }
  }

  /// What a file holds by the end of its name, or `nil` for a file that is no sample.
  static func contents(of name: String) -> Contents? {
    guard let dot = name.lastIndex(of: "."), !name.hasPrefix(".") else { return nil }
    switch name[dot...].lowercased() {
    case ".png", ".jpg", ".jpeg": return .pictures
    case ".wav", ".flac", ".ogg", ".oga", ".mp3": return .sounds
    default: return nil
    }
  }

  /// Labels in their order: of two the negative first.
  static func ordered(_ labels: Set<String>, positive: String?, path: String) throws -> [String] {
    var sorted = labels.sorted()
    guard let positive = positive ?? (labels == ["real", "fake"] ? "fake" : nil) else {
      return sorted
    }
    guard let index = sorted.firstIndex(of: positive) else {
      throw DataSetError.noLabel(path, positive, labels: sorted)
    }
    sorted.append(sorted.remove(at: index))
    return sorted
  }

  /// Divides samples 80/10/10 in an order that depends on names and the seed alone, each label by itself.
  static func divided(
    _ samples: [Sample], missing: [Sample], seed: UInt64, into fractions: [(String, Double)]
  ) -> [Split] {
    var groups: [Int: [(key: UInt64, sample: Sample, isMissing: Bool)]] = [:]
    for (list, isMissing) in [(samples, false), (missing, true)] {
      for sample in list {
        let group: Int
        switch sample.truth {
        case .label(let index): group = index
        case .labels(let values): group = values.firstIndex(of: 1) ?? values.count
        }
        // Where the data lie must not matter: a file is known by its name and its folder's.
        let name = sample.path.split(separator: "/").suffix(2).joined(separator: "/")
        let key = CounterRandom(name: "\(seed)/\(name)").bits(0)
        groups[group, default: []].append((key, sample, isMissing))
      }
    }
    var parts = [(found: [Sample], missing: [Sample])](
      repeating: ([], []), count: fractions.count)
    for group in groups.keys.sorted() {
      let members = (groups[group] ?? []).sorted {
        ($0.key, $0.sample.path) < ($1.key, $1.sample.path)
      }
      var start = 0
      // The first part takes what rounding leaves.
      for part in fractions.indices.reversed() {
        let count = Int((Double(members.count) * fractions[part].1).rounded())
        let end = part == 0 ? members.count : min(members.count, start + count)
        for member in members[start..<end] {
          if member.isMissing {
            parts[part].missing.append(member.sample)
          } else {
            parts[part].found.append(member.sample)
          }
        }
        start = end
      }
    }
    return fractions.indices.map { i in
      Split(
        name: fractions[i].0, samples: parts[i].found.sorted { $0.path < $1.path },
        missing: parts[i].missing.sorted { $0.path < $1.path })
    }
  }

  /// The usual shares of the three splits.
  static let fractions = [("training", 0.8), ("validation", 0.1), ("testing", 0.1)]
}

/// Why data cannot be used.
public enum DataSetError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A folder holds no samples.
  case empty(String)
  /// All samples have one label.
  case oneClass(String, String)
  /// There is no label of that name.
  case noLabel(String, String, labels: [String])
  /// Some files are pictures and some are sounds.
  case mixed(String)
  /// A CSV lacks a column.
  case noColumn(String, String, found: [String])
  /// A cell of a CSV holds what is not expected there.
  case badCell(String, line: Int, column: String, value: String, expected: String)
  /// A split that is needed is not there or has no samples.
  case noSplit(String, String, found: [String])

  /// One line that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .empty(let path):
      "\(path): holds no pictures and no sounds; give a folder with a folder for every class, or a CSV"
    case .oneClass(let path, let label):
      "\(path): all samples have the label \(Text.quoted(label)); two labels are needed to learn anything"
    case .noLabel(let path, let name, let labels):
      "\(path): there is no label \(Text.quoted(name)); there are \(list(labels))"
    case .mixed(let path):
      "\(path): holds pictures and sounds; a model takes one kind, so separate them"
    case .noColumn(let path, let column, let found):
      "\(path): has no column \(Text.quoted(column)); its columns are \(list(found))"
    case .badCell(let path, let line, let column, let value, let expected):
      "\(path): line \(line): \(Text.quoted(value)) in the column \(Text.quoted(column)) is not \(expected)"
    case .noSplit(let path, let name, let found):
      "\(path): has no samples for \(name); its splits are \(list(found))"
    }
  }

  private func list(_ names: [String]) -> String {
    let shown = names.prefix(20).map(Text.printable).joined(separator: ", ")
    return names.isEmpty ? "none" : shown + (names.count > 20 ? ", …" : "")
  }
}
