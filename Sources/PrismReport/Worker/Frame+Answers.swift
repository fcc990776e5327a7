internal import Prism

extension Frame {
  /// What a worker begins with.
  ///
  /// - Parameters:
  ///   - shelf: Has the model.
  ///   - limits: What an input may take.
  ///   - threads: How many inputs are worked on at a time.
  /// - Returns: The frame.
  /// - Throws: `InstructionSetError`.
  static func hello(_ shelf: WorkerShelf, limits: Limits, threads: Int) throws -> Frame {
    let model = shelf.model
    let kind = model.card.input.audio == nil ? "image" : "audio"
    return Frame(
      "hello",
      [
        .init(name: "protocol", value: .integer(WorkerSession.version)),
        .init(name: "prism", value: .string(PrismVersion.current)),
        .init(name: "instructions", value: .string(try Instructions.current)),
        .init(
          name: "model",
          value: [
            "name": .string(shelf.name), "digest": .string(model.file.sha256),
            "kind": .string(kind), "labels": .array(model.labels.map(JSON.string)),
          ]),
        .init(name: "threads", value: .integer(threads)),
        .init(name: "ahead", value: .integer(WorkerSession.ahead)),
        .init(
          name: "limits",
          value: .object(
            Limits.Name.allCases.map { .init(name: $0.rawValue, value: .integer(limits[$0])) })),
      ])
  }

  /// The answer to a ping.
  static func pong(_ id: String) -> Frame { Frame("pong", [.init(name: "id", value: .string(id))]) }

  /// A request in its one form.
  static func prepared(_ id: String, _ request: JSON) -> Frame {
    Frame(
      "prepared",
      [.init(name: "id", value: .string(id)), .init(name: "request", value: request)])
  }

  /// How much was done.
  static func stats(_ id: String, _ counts: WorkerLanes.Counts) -> Frame {
    Frame(
      "stats",
      [
        .init(name: "id", value: .string(id)),
        .init(name: "done", value: .integer(counts.done)),
        .init(name: "failed", value: .integer(counts.failed)),
        .init(name: "cancelled", value: .integer(counts.cancelled)),
        .init(name: "waiting", value: .integer(counts.waiting)),
        .init(name: "running", value: .integer(counts.running)),
        .init(name: "evaluations", value: .integer(counts.evaluations)),
        .init(name: "seconds", value: .number(counts.seconds)),
        .init(name: "memory", value: .integer(ProcessMemory.resident)),
      ])
  }

  /// What became of an input.
  ///
  /// - Parameters:
  ///   - job: The input.
  ///   - ending: How it ended.
  /// - Returns: A result, or what tells that there is none.
  static func answer(to job: WorkerJob, _ ending: WorkerLanes.Ending) -> Frame {
    let frame = whole(job, ending)
    let count = frame.payload.count
    guard count > payloadLimit else { return frame }
    return .failed(
      job.id,
      RequestError.unreadable(
        "the answer has \(count) bytes, and \(payloadLimit) are sent: ask for fewer windows, labels or "
          + "methods at a time, or for maps of float16"))
  }

  private static func whole(_ job: WorkerJob, _ ending: WorkerLanes.Ending) -> Frame {
    switch ending.result {
    case .success(.explanation(let result)):
      .result(result, id: job.id, maps: job.maps, seconds: ending.seconds)
    case .success(.evaluation(let digest, let logits)):
      .evaluated(job.id, digest: digest, logits, seconds: ending.seconds)
    case .failure(is CancellationError):
      Frame("cancelled", [.init(name: "id", value: .string(job.id))])
    case .failure(let error): .failed(job.id, error)
    }
  }

  /// The logits of changed versions of an input.
  private static func evaluated(
    _ id: String, digest: String, _ logits: Tensor, seconds: Double
  ) -> Frame {
    var payload: [UInt8] = []
    _ = MapType.float32.append(logits, to: &payload)
    return Frame(
      "evaluated",
      [
        .init(name: "id", value: .string(id)), .init(name: "digest", value: .string(digest)),
        .init(name: "shape", value: .array(logits.shape.dimensions.map(JSON.integer))),
        .init(name: "type", value: .string(MapType.float32.rawValue)),
        .init(name: "seconds", value: .number(seconds)),
      ], payload: payload)
  }

  /// What tells that a request cannot be answered as it would like.
  ///
  /// - Parameters:
  ///   - id: The request's id; `nil` where it has none.
  ///   - error: Why.
  /// - Returns: The frame.
  static func failed(_ id: String?, _ error: any Error) -> Frame {
    Frame(
      "failed",
      [
        .init(name: "id", value: id.map(JSON.string) ?? .null),
        .init(name: "error", value: .string("\(error)")),
        .init(name: "retryable", value: .bool(error.isOfMachine)),
      ])
  }

  /// A result with its maps and pictures.
  ///
  /// - Parameters:
  ///   - result: The result.
  ///   - id: The request's id.
  ///   - maps: How maps are sent.
  ///   - seconds: How long it took.
  /// - Returns: The frame.
  static func result(
    _ result: WorkerResult, id: String, maps: MapType, seconds: Double
  ) -> Frame {
    var payload: [UInt8] = []
    let sent = maps == .none ? [] : result.maps.map { $0.json(maps, &payload) }
    let pictures = result.pictures.map { picture -> JSON in
      let offset = payload.count
      payload += picture.contents
      return [
        "name": .string(picture.name), "type": .string("png"), "offset": .integer(offset),
        "bytes": .integer(picture.contents.count),
      ]
    }
    return Frame(
      "result",
      [
        .init(name: "id", value: .string(id)),
        .init(name: "digest", value: .string(result.digest)),
        .init(name: "key", value: .string(result.key)),
        .init(name: "document", value: result.document),
        .init(name: "maps", value: .array(sent)),
        .init(name: "pictures", value: .array(pictures)),
        .init(name: "seconds", value: .number(seconds)),
        .init(name: "evaluations", value: .integer(result.evaluations)),
      ], payload: payload)
  }
}

extension InputResults.Map {
  /// Appends the map's numbers to bytes, and tells where they are.
  ///
  /// - Parameters:
  ///   - type: How they are written.
  ///   - bytes: Receives them.
  /// - Returns: An object with method, label, shape and place.
  func json(_ type: MapType, _ bytes: inout [UInt8]) -> JSON {
    let (offset, count) = type.append(values, to: &bytes)
    let head: [JSON.Member] = [
      .init(name: "method", value: .string(method)),
      .init(name: "label", value: .string(target.label)),
      .init(name: "index", value: .integer(target.index)),
    ]
    let window = window.map {
      JSON.Member(name: "window", value: InputDocument.interval($0.lowerBound, $0.upperBound))
    }
    return .object(
      head + (window.map { [$0] } ?? []) + [
        .init(name: "shape", value: .array(values.shape.dimensions.map(JSON.integer))),
        .init(name: "type", value: .string(type.rawValue)),
        .init(name: "offset", value: .integer(offset)),
        .init(name: "bytes", value: .integer(count)),
      ])
  }
}

extension Error {
  /// Whether an error may be the machine's, and not the input's nor the request's: another attempt
  /// may help.
  var isOfMachine: Bool {
    switch self {
    case is OutOfMemoryError: true
    case let error as LimitError: error.name == .time
    default: false
    }
  }
}
