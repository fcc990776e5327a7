public import Prism

/// The one way from an input and a request to documents and files, for pictures and sounds,
/// explanations and comparisons.
public struct ExplanationPipeline: Sendable {
  /// Is told what begins: the method or measure, its number from 1, and how many there are.
  ///
  /// How many evaluations are done its `Work` tells.
  public typealias StageReport = (_ name: String, _ number: Int, _ count: Int) -> Void

  /// The bytes of a model whose digest takes some milliseconds.
  private static let smallModel = 32 << 20

  struct Method: Sendable {
    let method: ExplanationMethod
    let settings: ExplanationMethod.Settings
    let explainer: any Explainer

    /// The name and every parameter with its value.
    var choices: [String] {
      [explainer.name] + explainer.parameters.map { "\($0.name)=\($0.value.text)" }
    }

    init(
      _ chosen: ExplanationRequest.Method, _ request: ExplanationRequest, _ model: Model
    ) throws {
      var chosen = chosen
      method = try chosen.method()
      if let limit = request.limits.evaluations, method.choices.contains(.samples) {
        chosen.samples = min(chosen.samples ?? Self.usualSamples(of: method), limit)
      }
      settings = try chosen.settings(for: model, seed: request.seed)
      explainer = method.explainer(settings)
    }

    /// How often a method evaluates the model unless it is told; those that decide for themselves do
    /// no more often than that.
    private static func usualSamples(of method: ExplanationMethod) -> Int {
      let names: Set = ["samples", "evaluations", "steps"]
      return method.explainer().parameters.lazy.compactMap { parameter in
        if names.contains(parameter.name), case .integer(let count) = parameter.value {
          count
        } else {
          nil
        }
      }.first ?? 2048
    }
  }

  let request: ExplanationRequest
  let model: Model
  let methods: [Method]
  private let windows: WindowChoice
  private let truths: TruthMasks?
  private let asked: RequestText

  /// Makes ready what a request asks for, and says what does not fit before any input is read.
  ///
  /// - Parameters:
  ///   - request: What is asked for.
  ///   - model: The model, already open.
  ///   - truths: Where maps ought to be, for all inputs.
  /// - Throws: ``RequestError``, ``InputKindError``; what a file of segments cannot be read for.
  public init(_ request: ExplanationRequest, model: Model, truths: TruthMasks? = nil) throws {
    let isSound = model.card.input.audio != nil
    if request.formats.contains(.wav), !isSound {
      throw InputKindError.noSound(model: request.model)
    }
    if request.windows != nil, !isSound { throw RequestError.needsSound("--window") }
    if isSound, request.pictures.isChosen {
      throw RequestError.needsPictures("--range, --window-level or --frame")
    }
    if isSound, request.showsRegions { throw RequestError.needsPictures("--regions") }
    _ = try request.pictures.options()
    if !isSound, let option = request.sound.unsuitable { throw RequestError.needsSound(option) }
    // The digest for the document is computed beside everything else. That of a small model takes
    // no longer than drawing a figure, which keeps one processor busy; a plan keeps them all.
    if model.file.mapping.count > Self.smallModel { model.file.mapping.beginHashing() }
    self.request = request
    self.model = model
    self.truths = truths
    asked = RequestText(request)
    windows = try WindowChoice(request.windows)
    methods = try Limits.$current.withValue(request.limits) {
      try request.methods.map { try Method($0, request, model) }
    }
    try model.checkMemory(
      for: methods.map(\.method), layer: methods.lazy.compactMap(\.settings.layer).first,
      batch: request.batch, limits: request.limits)
  }

  /// What the results of an input depend on, as a digest.
  ///
  /// - Throws: `FileError` where a mask cannot be read.
  public func key(for input: ReportInput) throws -> String {
    let chosen = methods.map { $0.choices.joined(separator: " ") }
    let parts =
      [PrismVersion.current, model.file.sha256, input.path, input.sha256, try asked()] + chosen
      + [try truths?.digest(of: input.path) ?? ""]
    return SHA256.hexadecimalDigest(of: Array(parts.joined(separator: "\n").utf8))
  }

  /// What the explanations of a view of an input by one of the methods depend on, as a digest.
  ///
  /// - Parameters:
  ///   - number: The method's place in the request.
  ///   - input: The picture or sound; its name does not matter.
  ///   - view: The picture, or a window of the sound.
  /// - Returns: 64 hexadecimal digits.
  /// - Throws: Nothing that a request can cause.
  func explanationKey(
    of number: Int, for input: ReportInput, _ view: ExplainedView
  ) throws -> String {
    let targets = view.targets.map { "\($0.index)" }.joined(separator: ",")
    let parts =
      [
        PrismVersion.current, model.file.sha256, input.sha256, targets,
        view.window.map { "\($0.start)" } ?? "", "\(request.seed)",
        try request.pictures.stableText(), try request.sound.stableText(),
      ] + methods[number].choices
    return SHA256.hexadecimalDigest(of: Array(parts.joined(separator: "\n").utf8))
  }

  /// How many inputs are best explained at a time: several by methods that are quick, one by
  /// methods that evaluate the model so often that they fill all threads by themselves.
  package func abreast() -> Int {
    let chosen = methods.map(\.method)
    guard request.purpose == .explanation, chosen.allSatisfy(\.isFast) else { return 1 }
    let layer = methods.lazy.compactMap(\.settings.layer).first
    return (try? model.abreast(for: chosen, layer: layer, limits: request.limits)) ?? 1
  }

  /// The name of the document of an input.
  ///
  /// - Parameter stem: How the names of the input's files begin.
  /// - Returns: A file's name, such as `cat.json` or `cat.compare.json`.
  public func documentName(_ stem: String) -> String {
    request.purpose == .comparison ? "\(stem).compare.json" : "\(stem).json"
  }

  /// Explains an input.
  ///
  /// A method that fails does not take the others' results away; it is named in the results.
  /// Nothing is written.
  ///
  /// - Parameters:
  ///   - input: The picture or sound.
  ///   - stem: How the names of its files begin.
  ///   - work: Is told of every batch, and ends the work where its task is cancelled.
  ///   - stage: Is told which method begins.
  ///   - keep: Is given what is finished after every method.
  /// - Returns: The document and the files.
  /// - Throws: What the input cannot be read for; ``TargetError``; what the methods throw, where
  ///   all of them fail; `CancellationError` in a cancelled task.
  public func callAsFunction(
    _ input: ReportInput, named stem: String, work: Work = .unwatched,
    stage: StageReport = { _, _, _ in }, keep: (InputResults) -> Void = { _ in }
  ) throws -> InputResults {
    try bounded {
      try results(input, named: stem, archive: nil, work: work, stage: stage, keep: keep)
    }
  }

  /// Explains an input as far as its explanations are not in an archive.
  ///
  /// - Parameters:
  ///   - input: The picture or sound.
  ///   - stem: How the names of its files begin.
  ///   - archive: Knows explanations, and is given those that are new.
  ///   - work: As of ``callAsFunction(_:named:work:stage:keep:)``.
  ///   - stage: As of ``callAsFunction(_:named:work:stage:keep:)``.
  ///   - keep: As of ``callAsFunction(_:named:work:stage:keep:)``.
  /// - Returns: The same as without an archive.
  /// - Throws: As ``callAsFunction(_:named:work:stage:keep:)``; what the archive throws.
  public func callAsFunction(
    _ input: ReportInput, named stem: String, archive: ExplanationArchive,
    work: Work = .unwatched, stage: StageReport = { _, _, _ in },
    keep: (InputResults) -> Void = { _ in }
  ) throws -> InputResults {
    try bounded {
      try results(
        input, named: stem, archive: archive, work: work, stage: stage, keep: keep)
    }
  }

  /// Runs work within the request's limits.
  private func bounded<Result>(_ body: () throws -> Result) rethrows -> Result {
    try Limits.$current.withValue(request.limits) { try request.limits.bounding(body) }
  }

  private func results(
    _ input: ReportInput, named stem: String, archive: ExplanationArchive?, work: Work,
    stage: StageReport, keep: (InputResults) -> Void
  ) throws -> InputResults {
    let scene = try Scene(input, for: self)
    model.file.mapping.beginHashing()
    asked.begin()
    var findings = Findings(scene: scene)
    let extra = request.purpose == .comparison ? 1 : 0
    var made: [ExplanationReport.Place: ExplanationReport.Made] = [:]
    for (number, method) in methods.enumerated() {
      stage(method.explainer.name, number + 1, methods.count + extra)
      try explain(by: number, into: &findings, archive, work)
      if extra == 0, number + 1 < methods.count, !findings.isEmpty {
        let report = ExplanationReport(findings, pipeline: self, stem: stem)
        keep(try report.results(ofFirst: number + 1, made: &made))
      }
    }
    if findings.isEmpty, let error = findings.firstError { throw error }
    guard request.purpose == .comparison else {
      let report = ExplanationReport(findings, pipeline: self, stem: stem)
      return try report.results(ofFirst: methods.count, made: &made)
    }
    stage("measures", methods.count + 1, methods.count + 1)
    let comparisons = try scene.views.indices.map { try compare($0, findings, work) }
    return try ComparisonReport(
      findings, comparisons: comparisons, pipeline: self, stem: stem
    ).results()
  }

  /// Explains all views by a method, and archives the explanations of each that does not fail.
  private func explain(
    by number: Int, into findings: inout Findings, _ archive: ExplanationArchive?, _ work: Work
  ) throws {
    for (index, view) in findings.scene.views.enumerated() {
      let place = try archive.map {
        (archive: $0, key: try explanationKey(of: number, for: findings.scene.input, view))
      }
      let known = try place.flatMap { try $0.archive.known($0.key) }
        .flatMap { $0.count == view.targets.count ? $0 : nil }
      try explain(view, index, by: number, known: known, into: &findings, work)
      if let place, known == nil, let found = findings.explanations(of: number, in: index) {
        try place.archive.keep(place.key, found)
      }
    }
  }

  /// Explains a view by a method; its failure is kept, not thrown.
  private func explain(
    _ view: ExplainedView, _ index: Int, by number: Int, known: [Explanation]?,
    into findings: inout Findings, _ work: Work
  ) throws {
    let explainer = methods[number].explainer
    do {
      let explanations =
        try known
        ?? model.explain(
          view.image, with: explainer, targets: view.targets, batch: request.batch, work: work)
      let found =
        try request.purpose == .explanation
        ? explanations.map { try evidence(of: $0, in: view, of: findings.scene) } : []
      findings.add(explanations, evidence: found, of: number, in: index)
    } catch let error as CancellationError {
      throw error
    } catch {
      findings.add(
        MethodFailure(method: explainer.name, window: view.name, reason: "\(error)"), error)
    }
  }

  /// What of a sound a map points at; nothing of a picture.
  private func evidence(
    of explanation: Explanation, in view: ExplainedView, of scene: Scene
  ) throws -> FoundEvidence? {
    guard let window = view.window, let hearing = scene.hearing else { return nil }
    let found = try model.evidence(of: explanation, in: window, of: hearing)
    return FoundEvidence(
      explanation: found,
      kept: try model.probability(of: explanation.target, in: found.kept),
      removed: try model.probability(of: explanation.target, in: found.removed))
  }

  /// Judges the maps of a view.
  private func compare(_ index: Int, _ findings: Findings, _ work: Work) throws -> Comparison {
    let view = findings.scene.views[index]
    let found = findings.views[index]
    let explanations = found.map(\.explanations)
    var judged = try model.judge(
      explanations, of: view.image, truths: view.truths, batch: request.batch, work: work)
    for (m, finding) in found.enumerated() {
      let method = methods[finding.method]
      if request.tests.sensitivity {
        let values = try model.sensitivity(
          of: method.explainer, on: view.image, targets: view.targets, batch: request.batch,
          work: work)
        for (t, value) in values.enumerated() { judged.judgements[m][t].sensitivity = value }
      }
      if request.tests.stability {
        let values = try model.stability(
          on: view.image, targets: view.targets, batch: request.batch, work: work
        ) { seed in
          var settings = method.settings
          settings.seed = seed
          return method.method.explainer(settings)
        }
        for (t, value) in values.enumerated() { judged.judgements[m][t].stability = value }
      }
    }
    var sanity: [ParameterRandomization.Result?]?
    if request.tests.sanity, let target = view.targets.first {
      sanity = try model.check(
        found.map { methods[$0.method].explainer }, on: view.image, target: target,
        by: ParameterRandomization(seed: request.seed), work: work)
    }
    return Comparison(
      image: view.picture, prediction: view.prediction, explanations: explanations,
      judgements: judged.judgements, agreements: judged.agreements, sanity: sanity)
  }

  // MARK: What is looked at

  /// An input as the methods see it.
  struct Scene: Sendable {
    let input: ReportInput
    /// What the model says about the whole input.
    let prediction: Prediction
    /// What was heard, of a sound.
    let hearing: Hearing?
    /// What was read, of a picture.
    let picture: PictureFacts?
    /// The picture, or windows of the sound.
    let views: [ExplainedView]
    /// The indices of the labels that are explained.
    let labels: [Int]
    /// Whether a label is explained in several windows.
    let hasSeveralWindows: Bool

    /// - Parameters:
    ///   - input: The picture or sound.
    ///   - pipeline: How it is looked at.
    ///   - wanted: The indices of the labels that are explained; `nil` for those of the request.
    /// - Throws: What the input cannot be read for; ``TargetError``; ``RequestError`` for a mask.
    init(_ input: ReportInput, for pipeline: ExplanationPipeline, labels wanted: [Int]? = nil)
      throws
    {
      self.input = input
      func entries(of prediction: Prediction) throws -> [Prediction.Entry] {
        try wanted.map { $0.map { prediction.entries[$0] } } ?? pipeline.targets(of: prediction)
      }
      if pipeline.model.card.input.audio == nil {
        let image = try input.picture(pipeline.request.pictures)
        picture = PictureFacts(image, for: pipeline.model)
        var explained = try pipeline.model.admitting { pipeline.model.explained(image) }
        prediction = try pipeline.model.predict(&explained)
        hearing = nil
        let targets = try entries(of: prediction)
        labels = targets.map(\.index)
        hasSeveralWindows = false
        views = [
          ExplainedView(
            image: explained, picture: image, prediction: prediction, targets: targets,
            truths: try pipeline.truths(
              of: targets, in: input, explained,
              area: pipeline.model.card.input.image.area(of: image),
              picture: (image.width, image.height)),
            window: nil, rule: nil)
        ]
        return
      }
      let hearing = try pipeline.request.sound.hearing(of: input, by: pipeline.model)
      self.hearing = hearing
      picture = nil
      prediction = hearing.prediction
      let targets = try entries(of: hearing.prediction)
      labels = targets.map(\.index)
      let chosen = try targets.map { try hearing.windows(for: $0, pipeline.windows) }
      hasSeveralWindows = chosen.contains { $0.count > 1 }
      views = try pipeline.views(of: hearing, chosen, targets: targets, input)
    }
  }

  /// The labels that are explained.
  private func targets(of prediction: Prediction) throws -> [Prediction.Entry] {
    let usual = if case .binary = model.card.output { "all" } else { "top" }
    return try Target.entries(request.targets ?? usual, of: prediction)
  }

  /// The windows that are explained, each with its labels.
  private func views(
    of hearing: Hearing, _ chosen: [[Hearing.Window]], targets: [Prediction.Entry],
    _ input: ReportInput
  ) throws -> [ExplainedView] {
    guard let audio = model.card.input.audio else { return [] }
    let rule = try AudioPreparation(audio)
    return try Set(chosen.joined().map(\.start)).sorted().compactMap { start in
      let indices = targets.indices.filter { chosen[$0].contains { $0.start == start } }
      guard let window = chosen.joined().first(where: { $0.start == start }) else { return nil }
      guard let prediction = window.prediction else { return nil }
      var image = try model.admitting { try model.explained(window) }
      // The methods that look at a layer share one forward pass.
      if image.pass.logits == nil, methods.contains(where: { $0.method.choices.contains(.layer) }) {
        _ = try model.predict(&image)
      }
      // The numbers that are explained are those of the window, not of the whole sound.
      let entries = indices.map { prediction.counterpart(of: targets[$0]) }
      return ExplainedView(
        image: image, picture: try rule.shown(window.sound, seconds: window.end - window.start),
        prediction: prediction, targets: entries,
        truths: try truths(
          of: entries, in: input, image,
          sound: TruthMasks.SoundView(rule: rule, times: window.start...window.end)),
        window: window, rule: rule)
    }
  }

  /// For every label the region that is known to be right, as the network sees it.
  private func truths(
    of targets: [Prediction.Entry], in input: ReportInput, _ image: ExplainedImage,
    sound: TruthMasks.SoundView? = nil, area: PictureArea = .whole,
    picture: (width: Int, height: Int)? = nil
  ) throws -> [Tensor?] {
    try targets.map {
      try truths?.region(
        for: $0, of: input.path, seenAs: image, area: area, sound: sound, picture: picture)
    }
  }
}

/// What a sound's evidence is, and what the model says with it alone and without it.
struct FoundEvidence: Sendable {
  let explanation: SoundExplanation
  let kept: Double?
  let removed: Double?
}

/// What the methods have found so far.
struct Findings: Sendable {
  /// The maps of a method for the labels of a view.
  struct Finding: Sendable {
    let method: Int
    let explanations: [Explanation]
    let evidence: [FoundEvidence?]
  }

  let scene: ExplanationPipeline.Scene
  /// The findings of every view, in the order of the methods.
  private(set) var views: [[Finding]]
  private(set) var failures: [MethodFailure] = []
  private(set) var firstError: (any Error)?

  init(scene: ExplanationPipeline.Scene) {
    self.scene = scene
    views = scene.views.map { _ in [] }
  }

  var isEmpty: Bool { views.allSatisfy(\.isEmpty) }

  mutating func add(
    _ explanations: [Explanation], evidence: [FoundEvidence?], of method: Int, in view: Int
  ) {
    views[view].append(
      Finding(method: method, explanations: explanations, evidence: evidence))
  }

  /// The explanations of a view by a method, or `nil` where it failed.
  func explanations(of method: Int, in view: Int) -> [Explanation]? {
    views[view].first { $0.method == method }?.explanations
  }

  mutating func add(_ failure: MethodFailure, _ error: any Error) {
    failures.append(failure)
    if firstError == nil { firstError = error }
  }
}
