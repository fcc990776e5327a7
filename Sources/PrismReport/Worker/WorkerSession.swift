public import Prism

/// A conversation with a client that sends inputs and is sent explanations: the worker of engines
/// that spread work over machines.
///
/// Requests are begun in the order in which they come, as many at a time as there are threads, and
/// answered as they are ready. What is read beforehand is bounded; beyond that the client's pipe
/// fills up, and it waits.
public final class WorkerSession: Sendable {
  /// The version of the protocol.
  public static let version = 2
  /// How many requests without an answer are held; no more is read beyond that.
  public static let ahead = WorkerLanes.ahead

  private let shelf: WorkerShelf
  private let limits: Limits
  private let threads: Int
  private let source: @Sendable (_ count: Int) throws -> [UInt8]
  private let output: FrameWriter
  private let lanes: WorkerLanes

  /// Begins a conversation.
  ///
  /// - Parameters:
  ///   - model: The model that explains.
  ///   - name: The name under which it is asked for.
  ///   - limits: What an input and a request may take.
  ///   - threads: How many inputs are worked on at a time.
  ///   - source: Waits for bytes from the client, at most so many; returns none at the end.
  ///   - sink: Writes bytes to the client, and waits until they are taken.
  public init(
    _ model: Model, called name: String, limits: Limits = .current, threads: Int = Threads.count,
    source: @escaping @Sendable (_ count: Int) throws -> [UInt8],
    sink: @escaping @Sendable ([UInt8]) throws -> Void
  ) {
    let shelf = WorkerShelf(model, called: name, limits: limits)
    let output = FrameWriter(sink)
    self.shelf = shelf
    self.limits = limits
    self.threads = threads
    self.source = source
    self.output = output
    lanes = WorkerLanes(shelf, limits: limits, count: threads) { job, ending in
      output.send(.answer(to: job, ending))
    }
  }

  /// Answers requests until the client ends.
  ///
  /// - Throws: ``FrameError`` where the client sends what is no frame; what the source and the sink
  ///   throw; `InstructionSetError`.
  public func run() throws {
    output.send(try .hello(shelf, limits: limits, threads: threads))
    do {
      var reader = FrameReader(source)
      while output.error == nil, let frame = try reader.next(limit: limits[.bytes]) {
        guard take(frame) else { break }
      }
    } catch {
      output.send(Frame("error", [.init(name: "error", value: .string("\(error)"))]))
      stop()
      lanes.waitForAll()
      throw error
    }
    lanes.waitForAll()
    if let error = output.error { throw error }
  }

  /// Sends nothing any more after the frame that is being sent, and gives up what is in work.
  public func stop() {
    output.close()
    lanes.stop()
  }

  /// Takes a frame.
  ///
  /// - Returns: Whether others may follow.
  private func take(_ frame: FrameReader.Incoming) -> Bool {
    do {
      switch try WorkerRequest(frame, limits) {
      case .explain(let job): try begin(job)
      case .prepare(let id, let request): output.send(.prepared(id, try form(of: request)))
      case .cancel(let id): lanes.cancel(id)
      case .ping(let id): output.send(.pong(id))
      case .stats(let id): output.send(.stats(id, lanes.counts))
      case .end: return false
      }
    } catch {
      lanes.countFailure()
      output.send(.failed(frame.header["id"]?.string, error))
    }
    return true
  }

  private func begin(_ job: WorkerJob) throws(RequestError) {
    guard lanes.begin(job) else {
      throw .unreadable("the id \(Text.quoted(job.id)) is in use already")
    }
  }

  private func form(of request: JSON) throws -> JSON {
    try shelf.pipeline(request, maps: .float32, hasPictures: false).request
  }
}
