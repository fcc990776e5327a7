extension DataSet {
  /// Something in the data that a reader of results must know of: what is left out and why, what is
  /// there twice.
  public struct Finding: Sendable, Equatable, Codable {
    /// What was found.
    public enum Kind: String, Sendable, Codable, CaseIterable {
      /// A folder of a class without a file that can be read.
      case emptyClass = "empty_class"
      /// A picture or sound in a format that is not read.
      case unreadFormat = "unread_format"
      /// A file that cannot be read, or a folder that cannot be listed.
      case unreadable
      /// A name that is not UTF-8.
      case nameNotUTF8 = "name_not_utf8"
      /// A pipe, a device, or a link to nothing.
      case notAFile = "not_a_file"
      /// One file, or files of the same contents, under two labels.
      case twoLabels = "two_labels"
      /// Files of the same contents in two splits.
      case acrossSplits = "across_splits"
      /// A group, such as a patient, in two splits.
      case groupAcrossSplits = "group_across_splits"
      /// Files of the same contents in one split and with one label.
      case repeated
      /// A row of a CSV that says what another row has said.
      case listedTwice = "listed_twice"
      /// A file or folder that is reached a second time, through a link.
      case linkedTwice = "linked_twice"
      /// A link to a folder that it is in.
      case linkLoop = "link_loop"
      /// A hidden file or folder.
      case hidden
      /// A sample beside the folders of classes, or a folder beside those of splits.
      case outsideClasses = "outside_classes"
      /// A file that is neither a picture nor a sound.
      case otherFile = "other_file"
    }

    /// What a finding does to what is learnt from the data.
    public enum Effect: String, Sendable, Codable {
      /// Nothing that matters.
      case none
      /// Samples that somebody meant to be there are not.
      case loses
      /// What is measured is better or worse than the truth.
      case leaks
    }

    /// One place where it was found.
    public struct Item: Sendable, Equatable, Codable {
      /// The path, fit for one line.
      public let path: String
      /// What is to be said of it, such as the file that it equals.
      public let reason: String?

      /// Makes an item.
      public init(path: String, reason: String? = nil) {
        self.path = path
        self.reason = reason
      }
    }

    /// What was found.
    public let kind: Kind
    /// Where.
    public internal(set) var items: [Item]

    /// Makes a finding.
    public init(kind: Kind, items: [Item]) {
      self.kind = kind
      self.items = items
    }

    /// What it does to what is learnt.
    public var effect: Effect { kind.effect }

    /// How often, and of what, such as `12 files of a format that is not read`.
    public var summary: String {
      let (one, many) = kind.words
      return items.count == 1 ? "1 \(one)" : "\(items.count) \(many)"
    }
  }
}

extension DataSet.Finding.Kind {
  /// What it does to what is learnt.
  public var effect: DataSet.Finding.Effect {
    switch self {
    case .emptyClass, .unreadFormat, .unreadable, .nameNotUTF8, .notAFile: .loses
    case .twoLabels, .acrossSplits, .groupAcrossSplits: .leaks
    case .repeated, .listedTwice, .linkedTwice, .linkLoop, .hidden, .outsideClasses, .otherFile:
      .none
    }
  }

  fileprivate var words: (one: String, many: String) {
    switch self {
    case .emptyClass:
      ("class without a file that can be read", "classes without a file that can be read")
    case .unreadFormat:
      ("file of a format that is not read", "files of a format that is not read")
    case .unreadable: ("file that cannot be read", "files that cannot be read")
    case .nameNotUTF8: ("name that is not UTF-8", "names that are not UTF-8")
    case .notAFile:
      ("entry that is neither file nor folder", "entries that are neither file nor folder")
    case .twoLabels: ("file under two labels", "files under two labels")
    case .acrossSplits:
      (
        "file with the contents of one in another split",
        "files with the contents of one in another split"
      )
    case .groupAcrossSplits: ("group in two splits", "groups in two splits")
    case .repeated:
      ("file that repeats another of its label", "files that repeat another of their label")
    case .listedTwice: ("row that repeats another", "rows that repeat another")
    case .linkedTwice:
      (
        "entry that a link leads to again, counted once",
        "entries that links lead to again, counted once"
      )
    case .linkLoop: ("link to a folder around it", "links to a folder around them")
    case .hidden: ("hidden entry, left out", "hidden entries, left out")
    case .outsideClasses:
      (
        "entry beside the folders of classes, left out",
        "entries beside the folders of classes, left out"
      )
    case .otherFile:
      ("file that is no picture and no sound", "files that are no pictures and no sounds")
    }
  }
}

/// Findings as they are made, one of a kind.
struct Findings {
  private var items: [DataSet.Finding.Kind: [DataSet.Finding.Item]] = [:]

  /// Notes a place.
  mutating func add(_ kind: DataSet.Finding.Kind, _ path: String, _ reason: String? = nil) {
    items[kind, default: []].append(.init(path: path, reason: reason))
  }

  /// Notes what others have found.
  mutating func add(_ findings: [DataSet.Finding]) {
    for finding in findings { items[finding.kind, default: []] += finding.items }
  }

  /// All, in the order of their kinds, the worst first.
  var list: [DataSet.Finding] {
    DataSet.Finding.Kind.allCases.compactMap { kind in
      items[kind].map { DataSet.Finding(kind: kind, items: $0) }
    }
  }
}
