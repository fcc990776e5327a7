internal import Prism
internal import PrismReport

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// The work on one analysis, when its turn has come.
struct AnalysisRun {
  private let record: AnalysisRecord
  private let platform: Platform
  private let log: EventLog

  init(_ record: AnalysisRecord, platform: Platform, log: EventLog) {
    self.record = record
    self.platform = platform
    self.log = log
  }

  /// Explains the input as far as that is not known, and keeps the results method by method.
  func callAsFunction() async throws {
    let (store, id) = (platform.store, record.id)
    try await store.update(id) { $0.state = .running }
    try await store.dropShared(of: id)
    let (input, pipeline) = try opened()
    let computed = LastCount()
    let progress = ProgressReport(log)
    let meter = EvaluationMeter(platform) { progress.report($0) }
    let archive = store.archive(for: id) { _ = computed.advance(to: 1) }
    try await WorkThreads.run {
      let results = try pipeline(
        input, named: Self.stem, archive: archive, work: meter.work,
        stage: { progress.begin($0, $1, of: $2) },
        // Where a map cannot be kept yet, it is with the rest.
        keep: { try? keep($0) })
      try compare(input, archive, meter.work, progress)
      let wasComputed = computed.advance(to: 1) == 0
      // Once it is done, it may be asked for more: nothing of it is touched after that.
      try store.drop(
        of: id, besides: results.files.map(\.name) + ["comparison.json", "comparison.png"])
      try keep(results) { record in
        record.state = .done
        record.isCached = !wasComputed
        record.isImported = false
        record.error =
          results.failures.isEmpty
          ? nil
          : InterfaceWords.line(results.failures.map(\.line).joined(separator: "; "))
      }
      for entry in results.document["explanations"]?.elements ?? [] {
        platform.metrics.count(
          method: entry["method"]?.string ?? "", seconds: entry["seconds"]?.double ?? 0)
      }
    }
  }

  /// Judges the maps, where that was asked for.
  private func compare(
    _ input: ReportInput, _ archive: ExplanationArchive, _ work: Work, _ progress: ProgressReport
  ) throws {
    var request = try request()
    guard request.purpose == .comparison else { return }
    request.formats = [.png, .html, .csv, .pdf]
    let pipeline = try ExplanationPipeline(
      request, model: try platform.shelf.model(record.model))
    let results = try pipeline(
      input, named: Self.stem, archive: archive, work: work,
      stage: { progress.begin($0, $1, of: $2) })
    try platform.store.keep(
      results.files.map { file in
        let end = file.name.split(separator: ".").last ?? ""
        let name = end == "json" || end == "png" ? "comparison.\(end)" : "report.\(end)"
        return OutputFolder.File(name: name, contents: file.contents)
      }, of: record.id)
  }

  /// How the names of all files begin.
  static let stem = "input"

  /// The input and the pipeline of an analysis.
  ///
  /// - Parameter formats: What is made besides the document.
  /// - Returns: Both, ready to run.
  /// - Throws: What does not fit, such as a model that is gone.
  func opened(
    formats: [ResultFormat]? = nil
  ) throws -> (input: ReportInput, pipeline: ExplanationPipeline) {
    var request = try request()
    request.purpose = .explanation
    request.formats = formats ?? (record.kind == "audio" ? [.png, .npy, .wav] : [.png, .npy])
    let model = try platform.shelf.model(record.model)
    let input = ReportInput(
      try platform.store.blobs.get(record.inputDigest), name: record.inputName)
    return (input, try ExplanationPipeline(request, model: model))
  }

  /// The picture of a file, read as the request says.
  func picture(_ bytes: [UInt8]) throws -> Image {
    try ReportInput(bytes, name: record.inputName).picture(request().pictures)
  }

  /// The samples of a file without any window of levels: `[H, W, C]`.
  func samples(_ bytes: [UInt8]) throws -> Tensor {
    var reading = try request().pictures
    (reading.range, reading.window) = ("full", nil)
    return try ReportInput(bytes, name: record.inputName).picture(reading).samples
  }

  /// The spectrogram of a window of a sound as people see it, low frequencies at the bottom.
  ///
  /// - Parameters:
  ///   - bytes: The sound's file.
  ///   - start: Where the window begins, in seconds; the nearest one is taken.
  /// - Returns: A pixel a mel band and frame.
  /// - Throws: What the sound cannot be heard for.
  func spectrogram(_ bytes: [UInt8], from start: Double) throws -> Image {
    let model = try platform.shelf.model(record.model)
    let hearing = try request().sound.hearing(
      of: ReportInput(bytes, name: record.inputName), by: model)
    guard let audio = model.card.input.audio,
      let window = hearing.windows.min(by: { abs($0.start - start) < abs($1.start - start) })
    else { throw ModelError.wrongInput("pictures") }
    let rule = try AudioPreparation(audio)
    return rule.upright(try rule.picture(of: window.sound))
  }

  private func request() throws -> ExplanationRequest {
    var request = try ExplanationRequest(json: record.request)
    request.limits = platform.configuration.limits
    return request
  }

  private func keep(
    _ results: InputResults, _ change: (inout AnalysisRecord) -> Void = { _ in }
  ) throws {
    let top = results.document["predictions"]?.elements.first
    try platform.store.keep(results.files, of: record.id) { record in
      record.label = top?["label"]?.string
      record.probability = top?["probability"]?.double
      change(&record)
    }
    let maps = AnalysisText.maps(of: results.document, record.id)
    log.report(
      methods: maps.map { ["method": .string($0.method), "maps": .array($0.maps)] })
  }
}
