internal import Hummingbird
internal import Prism
internal import PrismReport

/// Explanations for clients that wait for them.
struct Explaining {
  private let platform: Platform

  init(_ platform: Platform) { self.platform = platform }

  /// The map of a method for its first label, with its document.
  struct Map {
    let method: String
    let json: JSON
  }

  /// Explains an input as one of the long jobs.
  ///
  /// - Throws: What the request or the input is refused for; ``QueueFull``; `CancellationError`
  ///   where the client goes.
  func explain(
    _ input: ReportInput, _ request: ExplanationRequest, _ model: Model, _ context: PrismContext
  ) async throws -> InputResults {
    let pipeline = try ExplanationPipeline(request, model: model)
    let (platform, limits) = (platform, platform.configuration.limits)
    let ticket = try await platform.queue.take(.long, client: context.address)
    let meter = EvaluationMeter(platform)
    return try await ConnectionWatch.whileConnected(context.channel) {
      do {
        return try await within(seconds: limits[.time]) {
          try await platform.queue.run(ticket) {
            try await WorkThreads.run {
              try pipeline(
                input, named: "file", archive: platform.store.archive, work: meter.work)
            }
          }
        }
      } catch {
        await platform.queue.discard(ticket)
        throw error
      }
    }
  }

  /// Refuses methods that do not fit a model, and layers that it does not have.
  ///
  /// - Throws: ``Problem``; `ModelError` with the name of the nearest layer.
  static func checkObstacles(_ request: ExplanationRequest, _ model: Model) throws {
    for chosen in request.methods {
      guard let method = ExplanationMethod(named: chosen.name),
        let obstacle = model.obstacle(to: method, layer: chosen.layer)
      else { continue }
      let known = model.layers.flatMap { [$0.name] + $0.aliases }
      if let layer = chosen.layer, !known.contains(layer) {
        throw ModelError.unknownLayer(layer, nearest: Text.nearest(to: layer, among: known))
      }
      throw Problem(.unprocessableContent, "\(method.rawValue): \(obstacle)")
    }
  }

  /// For every method the figure and the document of its first label.
  static func maps(of results: InputResults) throws -> [Map] {
    var maps: [Map] = []
    for entry in results.document["explanations"]?.elements ?? [] {
      guard let method = entry["method"]?.string, !maps.contains(where: { $0.method == method })
      else { continue }
      let file = entry["files"]?["png"]?.string
      let picture = results.files.first { $0.name == file }?.contents ?? []
      maps.append(
        Map(
          method: method,
          json: ["image_b64": .string(Base64.encode(picture)), "document": entry]))
    }
    return maps
  }
}

/// Counts the evaluations of long work, and lets short work overtake it.
final class EvaluationMeter: Sendable {
  /// What the work is watched by.
  let work: Work

  /// - Parameters:
  ///   - platform: Counts and has the turnstile.
  ///   - report: Is told how far the work is.
  init(_ platform: Platform, report: @escaping @Sendable (Work.Progress) -> Void = { _ in }) {
    let last = LastCount()
    work = Work { progress in
      platform.metrics.count(evaluations: last.advance(to: progress.done))
      report(progress)
      platform.turnstile.pass()
    }
  }
}
