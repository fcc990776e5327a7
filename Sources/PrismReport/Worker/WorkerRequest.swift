internal import Prism

/// What a client asks of a worker.
enum WorkerRequest {
  /// An input is to be explained, or changed versions of it are to be evaluated.
  case explain(WorkerJob)
  /// A request is to be checked and put into its one form.
  case prepare(id: String, request: JSON)
  /// What was asked for under an id is not wanted any more.
  case cancel(id: String)
  /// Nothing but an answer.
  case ping(id: String)
  /// How much was done.
  case stats(id: String)
  /// Nothing comes after it.
  case end

  /// The most bytes of an id.
  private static let idLimit = 128

  /// Reads a frame.
  ///
  /// - Parameters:
  ///   - frame: A frame as it came.
  ///   - limits: What an input may take.
  /// - Throws: ``RequestError`` for what is not understood; `LimitError`, `OutOfMemoryError` for a
  ///   payload that was passed over.
  init(_ frame: FrameReader.Incoming, _ limits: Limits) throws {
    let header = frame.header
    let kind = try header.text("kind")
    if kind == "end" {
      self = .end
      return
    }
    let id = try header.text("id")
    guard id.utf8.count <= Self.idLimit else {
      throw RequestError.unreadable("the id has more than \(Self.idLimit) bytes")
    }
    switch kind {
    case "explain": self = .explain(try WorkerJob(id: id, frame, limits))
    case "evaluate":
      self = .explain(try WorkerJob(id: id, frame, limits, isEvaluated: true))
    case "prepare": self = .prepare(id: id, request: header["request"] ?? .null)
    case "cancel": self = .cancel(id: id)
    case "ping": self = .ping(id: id)
    case "stats": self = .stats(id: id)
    default:
      throw RequestError.unreadable(
        "the kind \(Text.quoted(kind)) is not known; there are explain, evaluate, prepare, "
          + "cancel, ping, stats and end")
    }
  }
}
