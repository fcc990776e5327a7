internal import PrismFiles
internal import PrismMedia

/// Finds the samples in a folder and the folders in it, and says what it passes over.
///
/// Links are followed. Every file and folder is taken once, however many links lead to it, so that
/// the walk ends.
struct FolderWalk {
  /// The paths of the samples, sorted by folder.
  private(set) var samples: [String] = []
  /// What was passed over.
  private(set) var findings = Findings()
  private var seen: Set<Folder.Identity> = []
  private var around: [Folder.Identity] = []

  /// Walks through a folder.
  init(_ folder: String) {
    if let identity = Folder.identity(of: folder) {
      seen.insert(identity)
      around.append(identity)
    }
    walk(folder)
  }

  /// The number of samples in a folder, hidden ones too.
  static func count(_ folder: String) -> Int { FolderWalk(folder).samples.count }

  private mutating func walk(_ folder: String) {
    let entries: [FolderEntry]
    do {
      entries = try FolderEntry.list(folder)
    } catch {
      findings.add(.unreadable, Text.printable(folder), "the folder cannot be listed")
      return
    }
    for entry in entries { take(entry) }
  }

  private mutating func take(_ entry: FolderEntry) {
    if entry.isHidden {
      findings.add(.hidden, entry.shown, Self.contents(of: entry))
      return
    }
    guard let path = entry.path else {
      findings.add(.nameNotUTF8, entry.shown)
      return
    }
    switch entry.kind {
    case .other: findings.add(.notAFile, entry.shown)
    case .folder:
      if around.contains(entry.identity) {
        findings.add(.linkLoop, entry.shown)
      } else if !seen.insert(entry.identity).inserted {
        findings.add(.linkedTwice, entry.shown)
      } else {
        around.append(entry.identity)
        walk(path)
        around.removeLast()
      }
    case .file:
      switch SampleFile(path) {
      case .sample:
        if seen.insert(entry.identity).inserted {
          samples.append(path)
        } else {
          findings.add(.linkedTwice, entry.shown)
        }
      case .unread(let format): findings.add(.unreadFormat, entry.shown, format.name)
      case .other: findings.add(.otherFile, entry.shown)
      }
    }
  }

  /// How many samples a hidden folder has, where it has any.
  static func contents(of entry: FolderEntry) -> String? {
    guard entry.kind == .folder, let path = entry.path else { return nil }
    let count = count(path)
    return count > 0 ? "\(count) samples in it" : nil
  }
}

/// What a file is for a data set: by its name, and by its first bytes where the name says nothing
/// that is read.
enum SampleFile: Equatable {
  case sample(DataSet.Contents)
  case unread(MediaFormat)
  case other

  init(_ path: String) {
    let named = MediaFormat(fileName: path.lastComponent)
    guard let format = named?.isRead == true ? named : Self.beginning(of: path) ?? named else {
      self = .other
      return
    }
    self = format.isRead ? .sample(.init(format.kind)) : .unread(format)
  }

  private static func beginning(of path: String) -> MediaFormat? {
    guard let bytes = try? Files.beginning(of: path, count: MediaFormat.beginningLength) else {
      return nil
    }
    return MediaFormat(beginning: bytes)
  }
}

extension DataSet.Contents {
  init(_ kind: MediaFormat.Kind) {
    switch kind {
    case .picture: self = .pictures
    case .sound: self = .sounds
    }
  }
}
