internal import Prism
internal import Synchronization

/// An input that a client wants explained.
final class WorkerJob: Sendable {
  /// What answers are told apart by.
  let id: String
  /// The input's name, as documents have it.
  let name: String
  /// The input.
  let bytes: [UInt8]
  /// What is asked for.
  let request: JSON
  /// How maps are sent.
  let maps: MapType
  /// Whether a figure of every map is sent besides.
  let hasPictures: Bool
  /// What is asked instead of explanations.
  let evaluation: WorkerEvaluation?

  private let cancelled = Atomic<Bool>(false)

  /// Makes a job.
  init(
    id: String, name: String, bytes: [UInt8], request: JSON, maps: MapType, hasPictures: Bool,
    evaluation: WorkerEvaluation? = nil
  ) {
    self.id = id
    self.name = name
    self.bytes = bytes
    self.request = request
    self.maps = maps
    self.hasPictures = hasPictures
    self.evaluation = evaluation
  }

  /// Reads a frame.
  ///
  /// - Parameters:
  ///   - id: The frame's id.
  ///   - frame: The frame.
  ///   - limits: What an input may take.
  ///   - isEvaluated: Whether changed versions of the input are to be evaluated.
  /// - Throws: ``RequestError``, `LimitError`, `OutOfMemoryError`.
  convenience init(
    id: String, _ frame: FrameReader.Incoming, _ limits: Limits, isEvaluated: Bool = false
  ) throws {
    let header = frame.header
    let name = header["name"] == nil ? id : try header.text("name")
    try limits.check(frame.size, .bytes, of: name)
    guard let bytes = frame.payload else { throw OutOfMemoryError(bytes: frame.size) }
    try limits.check(name.utf8.count, .name, of: "the input's name")
    self.init(
      id: id, name: name, bytes: bytes, request: header["request"] ?? .null,
      maps: try Self.maps(header), hasPictures: try Self.flag("pictures", header),
      evaluation: isEvaluated ? try WorkerEvaluation(header) : nil)
  }

  /// Whether nobody wants the answer any more.
  var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

  /// Gives the job up at its next batch.
  func cancel() { cancelled.store(true, ordering: .relaxed) }

  private static func maps(_ header: JSON) throws(RequestError) -> MapType {
    if header["maps"] == nil { return .float32 }
    let text = try header.text("maps")
    guard let type = MapType(rawValue: text) else {
      let known = MapType.allCases.map(\.rawValue).joined(separator: ", ")
      throw .unreadable("maps is \(Text.quoted(text)); it may be \(known)")
    }
    return type
  }

  private static func flag(_ name: String, _ header: JSON) throws(RequestError) -> Bool {
    switch header[name] {
    case nil: return false
    case .bool(let value): return value
    default: throw .unreadable("the member \(name) is neither true nor false")
    }
  }
}
