internal import HTTPTypes
internal import Prism
internal import PrismReport

/// A request with its model and files, ready to be worked on.
struct Study: Sendable {
  let request: StudyRequest
  let model: Model
  /// The digest of everything that the results depend on, which is the study's name.
  let id: String
  /// What was searched is called so.
  let dataName: String
  /// The files of each role, those of data with their labels.
  private let files: [StudyRequest.Role: [ExampleLibrary.Sample]]
  /// What tells the searched files apart from others.
  let dataStamp: String

  /// Finds the model and the files; no picture is read.
  ///
  /// - Parameters:
  ///   - request: What is asked.
  ///   - uploads: The files that came along.
  ///   - analysis: The analysis whose input is looked at, where one is named.
  ///   - platform: Has models, data and inputs.
  /// - Throws: ``Problem``; `ModelError` for a layer that there is not.
  init(
    _ request: StudyRequest, uploads: [StudyRequest.Role: [ExampleFile]],
    analysis: AnalysisRecord?, _ platform: Platform
  ) throws {
    self.request = request
    model = try platform.shelf.model(request.model)
    let kind = ModelText.kind(of: model)
    var files: [StudyRequest.Role: [ExampleLibrary.Sample]] = [:]
    var parts = [PrismVersion.current, model.file.sha256, "\(request.question)"]
    var (name, stamp) = ("", "")
    for (role, source) in request.sources.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      let found: String
      switch source {
      case .data(let slice):
        let data = try platform.data.data(slice.name)
        guard kind == (data.contents == .sounds ? "audio" : "image") else {
          throw Problem(
            .unprocessableContent,
            "the data \(slice.name) are \(data.contents.rawValue) and the model \(request.model) "
              + "takes \(kind == "audio" ? "sounds" : "pictures")")
        }
        files[role] = try data.samples(split: slice.split, label: slice.label).spread(slice.limit)
        found = "\(slice) \(data.stamp)"
        if role == .data { (name, stamp) = (slice.name, found) }
      case .analysis(let id):
        guard let analysis else {
          throw Problem(.notFound, "there is no analysis \(Text.quoted(id))")
        }
        guard analysis.kind == kind else {
          throw Problem(
            .unprocessableContent,
            "the analysis has an input of the kind \(analysis.kind) and the model "
              + "\(request.model) takes \(kind)")
        }
        let bytes = try platform.store.blobs.get(analysis.inputDigest)
        files[role] = [.init(ExampleFile(bytes, name: analysis.inputName), labels: [])]
        found = "\(analysis.inputDigest) \(analysis.inputName)"
      case .uploads:
        let own = uploads[role] ?? []
        files[role] = own.map { .init($0, labels: []) }
        found = own.map { "\($0.name) \($0.digest)" }.joined(separator: "\n")
      }
      parts.append("\(role.rawValue) \(found)")
    }
    self.files = files
    (dataName, dataStamp) = (name, stamp)
    id = String(
      SHA256.hexadecimalDigest(of: Array(parts.joined(separator: "\n").utf8)).prefix(32))
    try check()
  }

  /// Refuses layers and labels that the model does not have.
  private func check() throws {
    let targets: String?
    switch request.question {
    case .examples(let layer, _, _, _):
      _ = try model.values(at: layer, for: [])
      targets = nil
    case .concept(let asked, _):
      try asked.check(for: model)
      targets = asked.targets
    case .discovery(let asked):
      try asked.check(for: model)
      targets = asked.targets
    }
    guard let targets else { return }
    let none = try model.prediction(ofLogits: [Float](repeating: 0, count: model.labels.count))
    do {
      _ = try Target.entries(targets, of: none)
    } catch TargetError.nothingAbove {}
  }

  /// The files that are searched.
  var samples: [ExampleLibrary.Sample] { files[.data] ?? [] }

  /// Reads the files of a role.
  ///
  /// - Parameters:
  ///   - role: What they are for.
  ///   - work: Is told of every file.
  /// - Returns: Those that can be used.
  /// - Throws: `OutOfMemoryError`; `CancellationError` in a cancelled task.
  func folder(_ role: StudyRequest.Role, _ work: Work) throws -> ExampleFolder {
    try ExampleFolder(
      [role.rawValue], files: (files[role] ?? []).map(\.file), for: model, work: work)
  }
}

extension [ExampleLibrary.Sample] {
  /// At most so many of them, evenly spread among all.
  func spread(_ count: Int) -> Self {
    guard self.count > count else { return self }
    return (0..<count).map { self[$0 * self.count / count] }
  }
}
