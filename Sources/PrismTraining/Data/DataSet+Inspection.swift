internal import PrismKernels
internal import PrismFiles
internal import PrismMedia
public import PrismRuntime

extension DataSet {
  /// Reads every file once: which cannot be read, and which have the same contents.
  ///
  /// - Parameters:
  ///   - work: Is told of the files that are read; ends where its task is cancelled.
  ///   - read: Reads a file as it will be used; decodes it unless given. Called on several threads.
  /// - Returns: The data with more ``findings``.
  /// - Throws: `CancellationError`.
  public func inspected(
    work: Work = .unwatched, read: (@Sendable (_ path: String) throws -> Void)? = nil
  ) throws -> DataSet {
    let members = splits.flatMap { split in
      split.samples.map { Member(sample: $0, split: split.name) }
    }
    work.plan(members.count)
    let contents = contents
    let read = read ?? { try contents.decode($0) }
    let looks = Prefetcher(
      count: members.count, ahead: 64, threads: Workers.count
    ) { Look(members[$0].sample.path, read) }
    defer { looks.stop() }
    var found = Findings()
    found.add(findings)
    var alike: [String: [Member]] = [:]
    for member in members {
      guard let look = try looks.next() else { break }
      if let failure = look.failure {
        found.add(.unreadable, Text.printable(member.sample.path), failure)
      } else {
        alike[look.digest, default: []].append(member)
      }
      try work.did(1)
    }
    for group in alike.values.filter({ $0.count > 1 }).sorted(by: Member.areInOrder) {
      Self.compare(group, labels, &found)
    }
    var result = self
    result.findings = found.list
    return result
  }

  /// The samples that cannot be read, by their paths; ``inspected(work:read:)`` finds them.
  public var unreadablePaths: Set<String> {
    let shown = Set(
      findings.filter { $0.kind == .unreadable }.flatMap { $0.items.map(\.path) })
    let paths = splits.flatMap { $0.samples.map(\.path) }
    return Set(paths.filter { shown.contains(Text.printable($0)) })
  }

  /// The data as they may be learnt from.
  ///
  /// - Parameters:
  ///   - skipsBad: Whether to go on without what cannot be read.
  ///   - allowsOverlap: Whether to go on though something is in two splits or under two labels.
  /// - Returns: The data without files that cannot be read.
  /// - Throws: ``DataSetError/spoilt(_:reason:option:)``.
  public func usable(skipsBad: Bool, allowsOverlap: Bool) throws(DataSetError) -> DataSet {
    func refuse(_ effect: Finding.Effect, _ option: String) throws(DataSetError) {
      let reasons = findings.filter { $0.effect == effect }.map(\.summary)
      guard !reasons.isEmpty else { return }
      throw .spoilt(path, reason: reasons.joined(separator: ", "), option: option)
    }
    if !skipsBad { try refuse(.loses, "--skip-bad") }
    if !allowsOverlap { try refuse(.leaks, "--allow-overlap") }
    return without(unreadablePaths)
  }

  private struct Member: Sendable {
    let sample: Sample
    let split: String

    static func areInOrder(_ a: [Member], _ b: [Member]) -> Bool {
      a[0].sample.path < b[0].sample.path
    }
  }

  /// What one file is like.
  private struct Look: Sendable {
    var digest = ""
    var failure: String?

    init(_ path: String, _ read: (String) throws -> Void) {
      do {
        digest = SHA256.hexadecimalDigest(of: try Files.read(path))
        try read(path)
      } catch {
        let text = "\(error)"
        failure = text.hasPrefix("\(path): ") ? String(text.dropFirst(path.count + 2)) : text
      }
    }
  }

  /// Notes what is wrong with files of the same contents: each against the first.
  private static func compare(_ group: [Member], _ labels: [String], _ found: inout Findings) {
    let first = group[0]
    for other in group.dropFirst() {
      let shown = Text.printable(other.sample.path)
      let twin = Text.printable(first.sample.path)
      if !other.sample.truth.agrees(with: first.sample.truth) {
        let names = [first, other].map { Text.quoted($0.sample.truth.text(labels)) }
        found.add(.twoLabels, shown, "equals \(twin): \(names[0]) and \(names[1])")
      } else if other.split != first.split {
        found.add(
          .acrossSplits, shown, "in \(other.split), equals \(twin) in \(first.split)")
      } else if other.sample.path != first.sample.path {
        found.add(.repeated, shown, "equals \(twin)")
      }
    }
  }
}

extension DataSet.Contents {
  /// Decodes a file to see whether it can be.
  fileprivate func decode(_ path: String) throws {
    switch self {
    case .pictures: _ = try Image(contentsOf: path)
    case .sounds: _ = try Sound(contentsOf: path)
    }
  }
}

extension DataSet.Truth {
  /// The labels of a sample, several joined by `|`.
  public func text(_ labels: [String]) -> String {
    switch self {
    case .label(let index): labels[index]
    case .labels(let values):
      zip(labels, values).filter { $0.1 == 1 }.map(\.0).joined(separator: "|")
    }
  }
}
