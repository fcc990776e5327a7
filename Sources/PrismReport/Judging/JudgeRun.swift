public import Prism

/// Methods that are judged over data: what is judged, one picture after the other, and what comes
/// of it.
///
/// Every picture's results are written to a journal in the output folder as soon as they are there;
/// a run with the same data, model and options goes on where the last one ended.
public final class JudgeRun: Sendable {
  /// What the maps of the pictures are made for.
  public enum Purpose: String, Sendable {
    /// To judge the methods.
    case judge
    /// To see what a data set gives away.
    case survey

    /// The name of the journal in the output folder.
    public var journalName: String { "\(rawValue).journal" }
  }

  /// A picture or sound with the labels that are explained.
  struct Sample: Sendable {
    let path: String
    /// The indices of the labels.
    let labels: [Int]
  }

  /// What the maps are made for.
  public let purpose: Purpose
  /// What is judged.
  public let request: JudgeRequest
  /// The model.
  public let model: Model
  /// The path of the data.
  public let data: String
  /// The split, and why that one.
  public let scope: Model.Scope
  /// What a reader should know of what is judged.
  public let notes: [String]

  let samples: [Sample]
  let methods: [JudgedMethod]
  let pipeline: ExplanationPipeline
  let truths: TruthMasks?
  private let places: [PathKey: Int]
  private let journal: RunJournal
  /// What former runs have finished, by picture and method, without maps.
  private let finished: [PathKey: [String: JudgeRecord]]

  /// Makes ready, and says what does not fit before any picture is read.
  ///
  /// - Parameters:
  ///   - request: What is judged.
  ///   - purpose: What the maps are made for; baselines are for judging alone.
  ///   - model: The model.
  ///   - data: The data.
  ///   - folder: Where the journal is.
  /// - Throws: ``JudgeError``, ``RequestError``, ``JournalError``, ``DataSetError``,
  ///   ``TrainingError``; what masks cannot be read for.
  public init(
    _ request: JudgeRequest, for purpose: Purpose = .judge, model: Model, data: DataSet,
    in folder: OutputFolder
  ) throws {
    self.purpose = purpose
    self.request = request
    self.model = model
    self.data = data.path
    scope =
      request.split.map { Model.Scope(split: $0, reason: "as told") } ?? model.scope(of: data)
    let selection = try Selection(request, model: model, data: data, split: scope.split)
    samples = selection.samples
    truths = try request.masks.map {
      try TruthMasks($0, for: selection.samples.map(\.path), labels: model.labels)
    }
    var fitting = request.explanations
    var obstacles: [String] = []
    fitting.methods = try fitting.methods.filter { chosen in
      let obstacle = model.obstacle(to: try chosen.method(), layer: chosen.layer)
      if let obstacle { obstacles.append("\(chosen.name): \(obstacle)") }
      return obstacle == nil
    }
    guard !fitting.methods.isEmpty else { throw JudgeError.noMethod(obstacles) }
    pipeline = try ExplanationPipeline(fitting, model: model)
    methods =
      pipeline.methods.map { JudgedMethod($0.method, settings: $0.settings) }
      + (purpose == .judge ? JudgedMethod.baselines : [])
    if let ranking = request.ranking { try Self.check(ranking, request) }
    notes = selection.notes + obstacles.map { "left out: \($0)" } + Self.strangers(truths)
    places = Dictionary(
      samples.enumerated().map { (PathKey($1.path), $0) }, uniquingKeysWith: { first, _ in first })
    let key = try Self.key(request, model, data, scope)
    var finished: [PathKey: [String: JudgeRecord]] = [:]
    journal = try RunJournal(
      folder.path(of: purpose.journalName), kind: purpose.rawValue, key: key
    ) { line in
      guard var record = JudgeRecord(line),
        record.labels.allSatisfy(model.labels.indices.contains)
      else { return false }
      for place in record.maps.indices { record.maps[place].small = nil }
      finished[PathKey(record.picture), default: [:]][record.method] = record
      return true
    }
    self.finished = finished
  }

  /// The paths of the pictures or sounds, in the order in which they are judged.
  public var inputs: [String] { samples.map(\.path) }

  /// How many of the pictures a former run has begun or finished.
  public var known: Int { samples.count { finished[PathKey($0.path)] != nil } }

  /// What all results depend on; what each depends on besides is a part of its record: the picture,
  /// its masks and labels, the method with its settings.
  private static func key(
    _ request: JudgeRequest, _ model: Model, _ data: DataSet, _ scope: Model.Scope
  ) throws -> String {
    let explanations = request.explanations
    let parts: [String] = [
      PrismVersion.current, model.file.sha256, data.listDigest, scope.split,
      request.tests.map(\.rawValue).sorted().joined(separator: ","), "\(explanations.seed)",
      "\(request.onlyFound)", try explanations.pictures.stableText(),
      try explanations.sound.stableText(),
    ]
    return SHA256.hexadecimalDigest(of: Array(parts.joined(separator: "\n").utf8))
  }

  /// What to tell where masks are about labels that the model does not have.
  private static func strangers(_ truths: TruthMasks?) -> [String] {
    guard let names = truths?.strangers, !names.isEmpty else { return [] }
    return [
      "masks are about what is no label of the model and are left out: "
        + Text.first(5, of: names.map { Text.printable($0) })
    ]
  }

  private static func check(_ measure: MapMeasure, _ request: JudgeRequest) throws(JudgeError) {
    func need(_ test: MapTest) throws(JudgeError) {
      if !request.tests.contains(test) {
        throw .unmeasured(measure, how: "add --measures \(test.rawValue)")
      }
    }
    switch measure {
    case .pointing, .hit, .iou, .inside:
      if request.masks == nil { throw .unmeasured(measure, how: "give --masks") }
    case .insertion, .deletion, .difference: try need(.curves)
    case .roadLeast, .roadMost, .road: try need(.road)
    case .infidelity: try need(.infidelity)
    case .sensitivity: try need(.sensitivity)
    case .randomization: try need(.randomization)
    case .stability: try need(.stability)
    case .completeness, .sparseness, .seconds: break
    }
  }

  // MARK: One picture

  /// What is known of a picture.
  public struct Findings: Sendable {
    var records: [JudgeRecord] = []
    /// Methods that failed, and why.
    public internal(set) var failures: [MethodFailure] = []
  }

  /// Judges all methods on a picture, as far as no former run has.
  ///
  /// - Parameters:
  ///   - path: The picture, one of ``inputs``.
  ///   - work: Is told of every batch, and ends the work where its task is cancelled.
  ///   - stage: Is told which method begins.
  ///   - keep: Is given what is finished after every method.
  /// - Returns: What is known of the picture; what is new of it is in the journal.
  /// - Throws: What the picture cannot be read for; `CancellationError` in a cancelled task.
  public func judge(
    _ path: String, work: Work = .unwatched,
    stage: ExplanationPipeline.StageReport = { _, _, _ in }, keep: (Findings) -> Void = { _ in }
  ) throws -> Findings {
    let limits = request.explanations.limits
    return try Limits.$current.withValue(limits) {
      try limits.bounding {
        guard let sample = places[PathKey(path)].map({ samples[$0] }) else { return Findings() }
        return try judge(sample, work: work, stage: stage, keep: keep)
      }
    }
  }

  private func judge(
    _ sample: Sample, work: Work, stage: ExplanationPipeline.StageReport,
    keep: (Findings) -> Void
  ) throws -> Findings {
    let input = try ReportInput(contentsOf: sample.path)
    let digest = SHA256.hexadecimalDigest(
      of: Array("\(input.sha256) \(try truths?.digest(of: input.path) ?? "")".utf8))
    var findings = Findings()
    let known = finished[PathKey(sample.path)] ?? [:]
    var missing: [JudgedMethod] = []
    for method in methods {
      if let record = known[method.explainer.name], record.digest == digest,
        record.labels == sample.labels, record.settings == method.settingsText
      {
        findings.records.append(record)
      } else {
        missing.append(method)
      }
    }
    guard !missing.isEmpty else { return findings }
    let scene = try scene(of: sample, input)
    var looks = try scene.views.map { try Look($0, of: input, in: self, work: work) }
    for (number, method) in missing.enumerated() {
      stage(method.explainer.name, number + 1, missing.count)
      var record = JudgeRecord(
        picture: sample.path, digest: digest, method: method.explainer.name,
        settings: method.settingsText, labels: sample.labels, maps: [])
      do {
        for place in looks.indices {
          record.maps += try maps(by: method, of: &looks[place], work: work)
        }
      } catch let error as CancellationError {
        throw error
      } catch {
        findings.failures.append(
          MethodFailure(method: method.explainer.name, window: nil, reason: "\(error)"))
        continue
      }
      try journal.append(record.json)
      for place in record.maps.indices { record.maps[place].small = nil }
      findings.records.append(record)
      keep(findings)
    }
    // In the order of the methods, whichever run they are of.
    let places = Dictionary(
      methods.enumerated().map { ($1.explainer.name, $0) }, uniquingKeysWith: { a, _ in a })
    findings.records.sort { (places[$0.method] ?? 0) < (places[$1.method] ?? 0) }
    return findings
  }

  /// A view with what is right in it.
  private struct Look {
    let view: ExplainedView
    /// For every label why the region that is right is not known.
    var problems: [String?] = []
    var judge: PictureJudge

    init(_ view: ExplainedView, of input: ReportInput, in run: JudgeRun, work: Work) throws {
      self.view = view
      var regions: [Tensor?] = []
      for target in view.targets {
        guard let truths = run.truths else { break }
        do {
          let region = try run.region(target, in: view, of: input, truths)
          regions.append(region)
          problems.append(region == nil ? "" : nil)
        } catch {
          regions.append(nil)
          problems.append("\(error)")
        }
      }
      judge = PictureJudge(
        run.model, image: view.image, truths: regions, tests: run.request.tests,
        seed: run.request.explanations.seed, batch: run.request.explanations.batch, work: work)
    }
  }

  /// What the model sees of a sample, with the labels that are judged.
  func scene(of sample: Sample, _ input: ReportInput) throws -> ExplanationPipeline.Scene {
    let scene = try ExplanationPipeline.Scene(input, for: pipeline, labels: sample.labels)
    guard request.onlyFound else { return scene }
    let found = sample.labels.filter { scene.prediction.counts($0, for: model.card.output) }
    return found.count == sample.labels.count
      ? scene : try ExplanationPipeline.Scene(input, for: pipeline, labels: found)
  }

  /// The region that is right for a label in a view, as the network sees it.
  func region(
    _ target: Prediction.Entry, in view: ExplainedView, of input: ReportInput, _ truths: TruthMasks
  ) throws -> Tensor? {
    let isPicture = view.rule == nil
    return try truths.region(
      for: target, of: input.path, seenAs: view.image,
      area: isPicture ? model.card.input.image.area(of: view.picture) : .whole,
      sound: view.rule.flatMap { rule in
        view.times.map { TruthMasks.SoundView(rule: rule, times: $0) }
      },
      picture: isPicture ? (view.picture.width, view.picture.height) : nil)
  }

  private func maps(
    by method: JudgedMethod, of look: inout Look, work: Work
  ) throws -> [JudgeRecord.Map] {
    let view = look.view
    let explanations = try model.explain(
      view.image, with: method.explainer, targets: view.targets,
      batch: request.explanations.batch, work: work)
    let measures = try look.judge.measures(of: explanations, by: method)
    return explanations.indices.map { place in
      let explanation = explanations[place]
      let label = explanation.target.index
      return JudgeRecord.Map(
        label: label, probability: explanation.target.probability,
        isFound: view.prediction.counts(label, for: model.card.output),
        isBelowZero: explanation.target.isFoundBelowZero,
        values: measures[place].filter { $0.value.isFinite },
        problem: look.problems.indices.contains(place) ? look.problems[place] : nil,
        small: SmallMap(view.upright(explanation.values)))
    }
  }

  /// The small maps of some pictures, methods and labels, from the journal.
  ///
  /// - Parameter wanted: Which maps.
  /// - Returns: Those that are there; of a picture that was judged anew the last.
  /// - Throws: `WeightError` where the journal cannot be read any more.
  func smallMaps(_ wanted: (MapPlace) -> Bool) throws -> [MapPlace: SmallMap] {
    var found: [MapPlace: SmallMap] = [:]
    try journal.forEach { line in
      guard let name = line["picture"]?.string, let picture = places[PathKey(name)],
        let method = methods.firstIndex(where: { $0.explainer.name == line["method"]?.string }),
        let record = JudgeRecord(line)
      else { return }
      for label in record.labels {
        found[MapPlace(picture: picture, label: label, method: method)] = nil
      }
      for map in record.maps {
        let place = MapPlace(picture: picture, label: map.label, method: method)
        if wanted(place) { found[place] = map.small }
      }
    }
    return found
  }

  /// Puts what was found together.
  ///
  /// - Parameter findings: Those of all pictures that could be read.
  /// - Returns: The numbers of all maps, and what a reader should know.
  func collected(_ findings: [Findings]) -> JudgedMaps {
    var maps = JudgedMaps(
      pictures: samples.count, labels: model.labels.count, methods: methods.count)
    let numbers = Dictionary(
      methods.enumerated().map { ($1.explainer.name, $0) }, uniquingKeysWith: { a, _ in a })
    for record in findings.flatMap(\.records) {
      guard let picture = places[PathKey(record.picture)], let method = numbers[record.method]
      else {
        continue
      }
      for map in record.maps {
        maps.add(.init(picture: picture, label: map.label, method: method, values: map.values))
      }
    }
    return maps
  }
}

extension JudgedMethod {
  /// The name and all parameters with their values.
  var settingsText: String {
    ([explainer.name] + explainer.parameters.map { "\($0.name)=\($0.value.text)" })
      .joined(separator: " ")
  }
}

/// Which map it is.
struct MapPlace: Hashable, Sendable {
  /// The number of the picture.
  let picture: Int
  /// The index of the label.
  let label: Int
  /// The number of the method.
  let method: Int
}

/// Which pictures of data are judged, with which labels.
private struct Selection {
  let samples: [JudgeRun.Sample]
  let notes: [String]

  init(_ request: JudgeRequest, model: Model, data: DataSet, split: String) throws {
    let rows = try model.members(of: split, data).map(\.sample)
    let members = try Self.joined(rows)
    let labels = try Self.labels(request.labels, of: model)
    var chosen = members.map { sample in labels.filter { sample.truth.has($0) == true } }
    var notes: [String] = []
    if members.count < rows.count {
      notes.append(
        Text.counted(rows.count - members.count, "row names", "rows name")
          + " a picture again; its labels are taken together")
    }
    notes += data.findings.filter { $0.effect != .none }.map { finding in
      let places = finding.items.map { item in
        item.path + (item.reason.map { " (\($0))" } ?? "")
      }
      return "\(finding.summary): " + Text.first(3, of: places)
    }
    let missing = data.splits.filter { split == DataSet.wholeName || $0.name == split }
      .reduce(0) { $0 + $1.missing.count }
    if missing > 0 {
      notes.append(
        Text.counted(missing, "file") + " of the list's \(rows.count + missing) "
          + (missing == 1 ? "is missing" : "are missing"))
    }
    let empty = labels.filter { label in !chosen.contains { $0.contains(label) } }
    if !empty.isEmpty, empty.count < labels.count {
      let names = empty.prefix(10).map { Text.printable(model.labels[$0]) }
      notes.append(
        "without a picture that has them: " + names.joined(separator: ", ")
          + (empty.count > names.count ? " and \(empty.count - names.count) more labels" : ""))
    }
    if let limit = request.pictures {
      // Each label draws by its own name, so that another label changes nothing.
      var isDrawn = [Bool](repeating: false, count: members.count)
      for label in labels {
        let bits = CounterRandom(name: model.labels[label]).bits(0)
        var random = SeededRandom(seed: bits ^ request.explanations.seed)
        let own = members.indices.filter { chosen[$0].contains(label) }
        for place in own.shuffled(using: &random).prefix(limit) { isDrawn[place] = true }
      }
      let all = chosen.count { !$0.isEmpty }
      for place in members.indices where !isDrawn[place] { chosen[place] = [] }
      let drawn = chosen.count { !$0.isEmpty }
      if drawn < all { notes.append("\(drawn) of \(all) pictures, drawn by the seed") }
    }
    samples = zip(members, chosen).compactMap { sample, labels in
      labels.isEmpty ? nil : JudgeRun.Sample(path: sample.path, labels: labels)
    }
    self.notes = notes
    guard !samples.isEmpty else { throw JudgeError.nothing(data.path, split: split) }
  }

  /// The samples, each file once, with the labels of all rows that name it.
  ///
  /// - Throws: `TrainingError` where they exclude each other.
  private static func joined(_ rows: [DataSet.Sample]) throws -> [DataSet.Sample] {
    var places: [PathKey: Int] = [:]
    var samples: [DataSet.Sample] = []
    for row in rows {
      if let place = places[PathKey(row.path)] {
        guard let truth = samples[place].truth.joined(with: row.truth) else {
          throw TrainingError.unfitData("\(row.path): two rows name it, with different labels")
        }
        samples[place] = DataSet.Sample(path: row.path, truth: truth)
      } else {
        places[PathKey(row.path)] = samples.count
        samples.append(row)
      }
    }
    return samples
  }

  private static func labels(_ names: [String]?, of model: Model) throws(JudgeError) -> [Int] {
    guard let names else { return Array(model.labels.indices) }
    var labels: [Int] = []
    for name in names {
      let exact = model.labels.firstIndex(of: name)
      let alike = model.labels.indices.filter {
        model.labels[$0].lowercased() == name.lowercased()
      }
      let index = Int(name).flatMap { model.labels.indices.contains($0) ? $0 : nil }
      guard let label = exact ?? (alike.count == 1 ? alike[0] : nil) ?? index else {
        throw .unknownLabel(name, nearest: Text.nearest(to: name, among: model.labels))
      }
      if !labels.contains(label) { labels.append(label) }
    }
    return labels.sorted()
  }
}
