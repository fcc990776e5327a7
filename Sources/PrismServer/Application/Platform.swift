internal import Hummingbird
internal import Prism
internal import PrismReport
internal import Synchronization

/// What all requests share.
final class Platform: Sendable {
  let configuration: ServerConfiguration
  let shelf: ModelShelf
  let store: Store
  let queue: JobQueue
  let turnstile = Turnstile()
  let metrics = Metrics()
  let uploads: UploadRoom
  let data: DataShelf
  /// Data sets as points of a layer's space.
  let libraries: RecentShelf<ExampleLibrary>
  let painted: PaintedPictures
  private let paths = Mutex<[(parts: [Substring], method: String)]>([])

  /// - Parameter configuration: How the server is set up.
  /// - Throws: `FileError` or a database's error where the data folder cannot be used.
  init(_ configuration: ServerConfiguration) throws {
    self.configuration = configuration
    shelf = ModelShelf(
      configuration.catalogue, room: configuration.limits[.memory] / 2)
    store = try Store(folder: configuration.data)
    queue = JobQueue(
      capacity: configuration.queue, short: max(2, Threads.count), long: configuration.workers,
      turnstile: turnstile)
    self.data = DataShelf(configuration.datasets)
    libraries = RecentShelf(room: configuration.mostLibraryBytes) { $0.byteCount }
    painted = PaintedPictures(
      room: min(512 << 20, configuration.limits[.memory] / 8),
      patience: configuration.paintingPatience)
    uploads = UploadRoom(bytes: max(256 << 20, 2 * configuration.limits[.bytes]))
  }

  /// Does short work for a client that waits, when its turn has come, on a thread of its own.
  ///
  /// - Throws: ``QueueFull``, ``DeadlineError``; `CancellationError` where the client has gone;
  ///   what the work throws.
  func answer<Value: Sendable>(
    _ context: PrismContext, _ work: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    let ticket = try await queue.take(.short, client: context.address)
    let (queue, limits, patience) = (queue, configuration.limits, configuration.patience)
    return try await ConnectionWatch.whileConnected(context.channel) {
      do {
        return try await within(seconds: min(patience, limits[.time])) {
          try await queue.run(ticket) {
            try await WorkThreads.run {
              try Threads.beside { try Limits.$current.withValue(limits) { try work() } }
            }
          }
        }
      } catch {
        await queue.discard(ticket)
        throw error
      }
    }
  }

  // MARK: - Methods of paths

  /// Remembers which methods paths take.
  func know(_ routes: [(path: String, method: String)]) {
    let known = routes.map {
      (parts: $0.path.split(separator: "/").map { Substring(String($0)) }, method: $0.method)
    }
    paths.withLock { $0 = known }
  }

  /// The methods that a path takes, or `nil` where there is no such path.
  ///
  /// A path that is one of the routes word for word takes the methods of that route alone.
  func methods(of path: String) -> [String]? {
    let parts = path.split(separator: "/")
    let found = paths.withLock { paths in
      let exact = paths.filter { $0.parts == parts }
      guard exact.isEmpty else { return exact.map(\.method) }
      return paths.filter { known in
        known.parts.count == parts.count
          && zip(known.parts, parts).allSatisfy { Self.matches($0, $1) }
      }.map(\.method)
    }
    return found.isEmpty ? nil : Array(Set(found)).sorted()
  }

  private static func matches(_ pattern: Substring, _ part: Substring) -> Bool {
    if pattern.hasPrefix(":") { return true }
    guard let open = pattern.firstIndex(of: "{"), let close = pattern.firstIndex(of: "}") else {
      return pattern == part
    }
    return part.hasPrefix(pattern[..<open])
      && part.hasSuffix(pattern[pattern.index(after: close)...])
  }
}
