public import Prism

/// Files of a folder as a model takes them, of which some may not be readable.
public struct ExampleFolder: Sendable {
  /// What was given: a folder, or a file.
  public let paths: [String]
  /// The files that can be used, in their order.
  public private(set) var files: [ExampleFile] = []
  /// What the model is given for each.
  public private(set) var images: [ExplainedImage] = []
  /// The files that cannot be used, and why.
  public private(set) var failures: [(path: String, reason: String)] = []

  /// Reads files.
  ///
  /// - Parameters:
  ///   - paths: What was given.
  ///   - files: The files in it.
  ///   - model: Says how they are read.
  ///   - work: Is told of every file; ends where its task is cancelled.
  /// - Throws: `OutOfMemoryError`; `CancellationError` in a cancelled task.
  public init(
    _ paths: [String], files: [ExampleFile], for model: Model, work: Work = .unwatched
  ) throws {
    self.paths = paths
    work.plan(files.count)
    let image = model.card.input.image
    let size = image.height * image.width * image.channelCount * MemoryLayout<Float>.stride
    try ProcessMemory.expecting(files.count * size) {
      for file in files {
        try read(file, model)
        try work.did(1)
      }
    }
  }

  private mutating func read(_ file: ExampleFile, _ model: Model) throws {
    do {
      images.append(try file.explained(by: model))
      files.append(file)
    } catch let error as OutOfMemoryError {
      throw error
    } catch {
      failures.append((file.name, "\(error)"))
    }
  }

  /// The network's inputs.
  public var inputs: [Tensor] { images.map(\.input) }

  /// Throws where there are too few for what they are for.
  ///
  /// - Parameters:
  ///   - count: How many are needed.
  ///   - purpose: What for, such as `a concept`.
  /// - Throws: ``TooFewExamplesError``.
  public func require(_ count: Int, for purpose: String) throws(TooFewExamplesError) {
    guard files.count < count else { return }
    throw TooFewExamplesError(
      paths: paths, found: files.count, unreadable: failures.count, reason: failures.first?.reason,
      needed: count, purpose: purpose)
  }
}

/// A folder with too few files that can be used.
public struct TooFewExamplesError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What was given.
  public let paths: [String]
  /// How many files can be used.
  public let found: Int
  /// How many cannot.
  public let unreadable: Int
  /// Why the first of them cannot.
  public let reason: String?
  /// How many are needed.
  public let needed: Int
  /// What for.
  public let purpose: String

  /// One line that says what is wrong and what to do.
  public var description: String {
    "\(paths.joined(separator: ", ")): \(found) file\(found == 1 ? "" : "s") can be used"
      + (unreadable > 0
        ? " and \(unreadable) cannot be read (\(reason ?? "broken"))" : "")
      + ", and \(purpose) needs at least \(needed); add more"
  }
}
