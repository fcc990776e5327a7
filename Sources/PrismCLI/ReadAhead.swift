internal import Dispatch
internal import Prism
internal import PrismReport
internal import Synchronization

/// Reads and decodes the next input while something else is computed: the first while the model is
/// opened and, where inputs are worked on one by one, every other while the one before it is.
///
/// One input at a time is held beforehand, so that memory does not grow with their number.
final class ReadAhead: Sendable {
  /// An input that is being read.
  private final class Pending: Sendable {
    let path: String
    private let result = Mutex<Result<ReportInput, any Error>?>(nil)
    private let done = DispatchGroup()

    init(
      _ path: String, _ reading: PictureReading, then prepare: @escaping @Sendable () -> Void
    ) {
      self.path = path
      done.enter()
      WorkThreads.begin {
        // Before anything else: while a library is loaded, the system starts no threads.
        Threads.start()
        let read = Result { try ReportInput(contentsOf: path).decodingPicture(reading) }
        self.result.withLock { $0 = read }
        self.done.leave()
        prepare()
      }
    }

    /// Waits for the input.
    func wait() throws -> ReportInput? {
      done.wait()
      return try result.withLock { try $0?.get() }
    }
  }

  private let reading: PictureReading
  private let prepare: @Sendable () -> Void
  private let next = Mutex<Pending?>(nil)

  /// Begins with nothing.
  ///
  /// - Parameters:
  ///   - reading: How pictures are read.
  ///   - prepare: Is called after each reading, on another thread: for what else can be loaded
  ///     meanwhile.
  init(_ reading: PictureReading, then prepare: @escaping @Sendable () -> Void = {}) {
    self.reading = reading
    self.prepare = prepare
  }

  /// Begins to read a file; what is wrong with it is told when it is taken.
  func begin(_ path: String?) {
    let pending = path.flatMap { path in
      Folder.isFolder(path) == false ? Pending(path, reading, then: prepare) : nil
    }
    next.withLock { $0 = pending }
  }

  /// The input at a path, read beforehand where that has begun; then the reading of another begins.
  ///
  /// - Parameters:
  ///   - path: The path.
  ///   - following: The path of the input after it, where it is read beforehand.
  /// - Returns: The input.
  /// - Throws: What the file cannot be read for; pictures that cannot be decoded say so when they
  ///   are asked for.
  func take(_ path: String, following: String?) throws -> ReportInput {
    let pending = next.withLock { next -> Pending? in
      guard next?.path == path else { return nil }
      defer { next = nil }
      return next
    }
    let input = Result { try pending?.wait() ?? ReportInput(contentsOf: path) }
    if let following { begin(following) }
    return try input.get()
  }
}
