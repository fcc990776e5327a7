internal import Prism
internal import Synchronization

/// The pipelines of a worker's last requests: most inputs are asked the same.
final class WorkerShelf: Sendable {
  /// How many are kept.
  private static let capacity = 16

  /// The model.
  let model: Model
  /// The name under which the model is asked for.
  let name: String
  private let reader: RequestReader
  private let pipelines = Mutex<[(key: String, pipeline: WorkerPipeline)]>([])

  /// - Parameters:
  ///   - model: The model.
  ///   - name: The name under which it is asked for.
  ///   - limits: What every request may take.
  init(_ model: Model, called name: String, limits: Limits) {
    self.model = model
    self.name = name
    reader = RequestReader(
      limits: limits, mostSamples: ExplanationRequest.mostSamples,
      listing: "prism explain --method list")
  }

  /// The pipeline for a request.
  ///
  /// - Parameters:
  ///   - request: The request as it came.
  ///   - maps: How maps are sent.
  ///   - hasPictures: Whether figures are sent.
  /// - Returns: The pipeline.
  /// - Throws: What the request is refused for.
  func pipeline(
    _ request: JSON, maps: MapType, hasPictures: Bool
  ) throws -> WorkerPipeline {
    let key = "\(maps) \(hasPictures) \(request)"
    if let known = pipelines.withLock({ $0.first { $0.key == key } }) { return known.pipeline }
    var read = try reader.request(request, model: name)
    guard read.model == name || read.model == model.card.name else {
      throw RequestError.unreadable(
        "the request is for the model \(Text.quoted(read.model)), and this is a worker for \(name)")
    }
    read.model = name
    let pipeline = try WorkerPipeline(read, model: model, maps: maps, hasPictures: hasPictures)
    pipelines.withLock { pipelines in
      if pipelines.count >= Self.capacity { pipelines.removeFirst() }
      pipelines.append((key, pipeline))
    }
    return pipeline
  }
}
