public import PrismAutodiff
internal import PrismKernels
public import PrismTensor
internal import Synchronization

/// A classifier that computes by plans.
public final class PlannedClassifier: DifferentiableClassifier {
  /// The recording of one image's forward pass.
  public let recording: Recording
  /// The layer that the CAM family explains unless told otherwise.
  public let defaultLayer: String
  private let aliases: [String: String]
  private let precision: Plan.Precision
  private let weights: PackedWeights
  private let plans = PlanStore<[ValueID], Plan>()
  private let gradientPlans = PlanStore<GradientPlan.Walk, GradientPlan?>()
  private let storedLayers = PlanStore<ValueID, Bool>()
  private let relevance = RelevancePlans()
  private let nearby = NearbyPlans()
  private let owner = ForwardPass.Owner()

  /// Makes a classifier from the recording of one image's forward pass, from `[1, H, W, C]` to
  /// `[1, K]`.
  ///
  /// - Parameters:
  ///   - recording: Has one input and one output.
  ///   - defaultLayer: The layer that the CAM family explains unless told otherwise.
  ///   - aliases: Further names of named values.
  ///   - precision: How much rounding plans may trade for speed.
  ///   - didPack: Is told the names of weights that have been packed, and that plans do not read
  ///     again.
  public init(
    _ recording: Recording, defaultLayer: String, aliases: [String: String] = [:],
    precision: Plan.Precision = .standard,
    didPack: @escaping @Sendable (_ names: [String]) -> Void = { _ in }
  ) {
    self.recording = recording
    self.defaultLayer = defaultLayer
    self.aliases = aliases
    self.precision = precision
    weights = PackedWeights(didPack: didPack)
  }

  /// The shape of one image, `[1, H, W, C]`.
  public var inputShape: Shape { recording[recording.inputs[0]].shape }

  /// The number of logits.
  public var outputCount: Int { recording[recording.outputs[0]].shape.dimensions.last ?? 0 }

  /// The bytes of weights that plans hold ready, packed as kernels want them; grows as plans are
  /// made.
  public var warmByteCount: Int { weights.byteCount + relevance.byteCount }

  /// Whether the network has rectifiers, at which guided backpropagation differs from the gradient.
  public var hasRectifiers: Bool {
    recording.ids.contains {
      if case .rectifier = recording.primitive(of: $0)?.nature { true } else { false }
    }
  }

  /// The same classifier with another recording, such as one with other weights.
  ///
  /// - Parameter recording: Has the values of this one's.
  /// - Returns: A classifier with plans of its own.
  public func replacing(_ recording: Recording) -> PlannedClassifier {
    PlannedClassifier(
      recording, defaultLayer: defaultLayer, aliases: aliases, precision: precision)
  }

  /// The bytes in which predictions compute, beside weights and results.
  ///
  /// - Parameter images: The most images that are computed at a time.
  /// - Returns: What the plan needs with as many threads as are set.
  /// - Throws: `InstructionSetError`.
  public func workspaceSize(images: Int) throws -> Int {
    // The plan of predictions, which is needed anyway.
    try plan(for: predictedValues).workspaceSize(images: images, threads: Workers.count)
  }

  /// The bytes of all values that a walk back from the logits looks at, for one image.
  ///
  /// - Parameter name: The value where it ends; `nil` for the input.
  /// - Returns: The sum over what follows that value.
  public func traceSize(from name: String?) -> Int {
    let start = name.flatMap(value) ?? recording.inputs[0]
    return recording.ids.filter { $0 >= start && !recording.isParameter($0) }
      .reduce(0) { $0 + recording[$1].shape.count * MemoryLayout<Float>.stride }
  }

  /// The shape of a named value for one image, or `nil` where there is no such value.
  public func shape(of name: String) -> Shape? {
    value(name).map { recording[$0].shape }
  }

  /// The logits of a batch of images, `[N, H, W, C]` to `[N, K]`.
  ///
  /// - Throws: `EvaluationError` where the images have another shape than the recording's input.
  public func logits(_ images: Tensor) throws -> Tensor {
    guard images.shape == inputShape else { return try plan(for: recording.outputs)(images)[0] }
    let output = recording.outputs[0]
    return try predicted(images)[output] ?? Tensor(recording[output].shape)
  }

  /// The logits and the value of the default layer for a single image.
  private func predicted(_ image: Tensor) throws -> [ValueID: Tensor] {
    let wanted = try predictedValues
    let computed = try plan(for: wanted)(image)
    return Dictionary(zip(wanted, computed)) { first, _ in first }
  }

  /// What is computed of a single image: the default layer too, where it is stored anyway.
  ///
  /// Elsewhere it would keep operations apart that are one step for several images, with other bits.
  private var predictedValues: [ValueID] {
    get throws { recording.outputs + (try storedLayer.map { [$0] } ?? []) }
  }

  /// The default layer, where a plan that computes the logits stores it.
  private var storedLayer: ValueID? {
    get throws {
      guard let layer = value(defaultLayer) else { return nil }
      let isStored = try storedLayers.plan(for: layer) {
        let compiler = Compiler(
          recording: recording, given: recording.inputs, precision: precision,
          kernels: Kernels(try InstructionSet.select().get()),
          weights: weights)
        return compiler.drafts(for: recording.outputs).contains { $0.output == layer }
      }
      return isStored ? layer : nil
    }
  }

  /// The logits of many images that are composed one by one, straight into the plan's memory.
  ///
  /// - Throws: `OutOfMemoryError`, for a classifier whose first plan could be made.
  public func logits(
    count: Int, composing compose: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
  ) throws -> Tensor {
    try plan(for: recording.outputs).run(count: count, composing: compose)[0]
  }

  /// The most bytes that ``near(_:)`` or ``inSequence()`` take for the values of images; for larger
  /// networks images are computed whole.
  static let mostNearby = 768 << 20

  /// The same for this task: no more than half of what it may take beside whole passes, so that what
  /// computes has room.
  private static func mostHeld(beside whole: Plan) -> Int {
    guard let left = MemoryBudget.current?.bytesLeft else { return mostNearby }
    let beside = left - whole.workspaceSize(images: Plan.chunk, threads: Workers.count)
    return min(mostNearby, max(0, beside) / 2)
  }

  /// The classifier for images that differ from a known one in a part, which computes only what the
  /// part reaches and gives the same bits.
  ///
  /// It holds the values of the known image once for itself, those of images that others descend
  /// from where they differ, and what it computes for each thread: at most 768 MiB together and half of
  /// what the task may take beside whole passes; where there is no room for that, it is this classifier.
  ///
  /// - Throws: `EvaluationError` where the image has another shape than the recording's input;
  ///   `OutOfMemoryError`.
  public func near(_ image: Tensor) throws -> any Classifier {
    guard image.shape == inputShape else {
      throw EvaluationError.misshapen(
        recording.inputs[0], expected: inputShape, given: image.shape)
    }
    let whole = try plan(for: recording.outputs)
    guard let (update, rest) = try nearby.found(recording, precision, weights, whole.kernels)
    else { return self }
    let chunk = update.chunk(threads: Workers.count)
    let left =
      Self.mostHeld(beside: whole)
      - UpdateRun.size(
        update, threads: Workers.count, chunk: chunk, keepsProducts: true)
    guard left >= 0 else { return self }
    do {
      return try NearbyClassifier(
        near: image, update: update, rest: rest, whole: whole, chunk: chunk, descentLimit: left)
    } catch is OutOfMemoryError {
      return self
    }
  }

  /// The classifier for a sequence of images of which each differs from the one before in a part: it
  /// computes only what the part reaches and gives the same bits.
  ///
  /// It holds the values of one image and what is computed of those that follow, at most 768 MiB
  /// and half of what the task may take beside whole passes; where there is no room for that, it is this
  /// classifier.
  ///
  /// - Throws: `OutOfMemoryError` where there is no room for the packed weights.
  public func inSequence() throws -> any Classifier {
    try sequence(room: Self.mostNearby) ?? self
  }

  /// The classifier for images that come in calls of their own, of which each differs from the one
  /// before in a part, such as a picture that somebody paints on.
  ///
  /// It computes only what the part reaches, gives the same bits, and holds the values of the last
  /// image.
  ///
  /// - Parameter room: The most bytes that it may take.
  /// - Returns: `nil` where there is no room, or a small change reaches most of the network.
  /// - Throws: `OutOfMemoryError` where there is no room for the packed weights.
  package func inSequenceOfCalls(room: Int) throws -> SequenceClassifier? {
    try sequence(room: room, largestRest: Self.largestRest, chunk: Self.mostParts, continues: true)
  }

  /// A classifier for a sequence of images; `nil` where there is no room, or too much follows the
  /// update.
  private func sequence(
    room: Int, largestRest: Double = .infinity, chunk: Int? = nil, continues: Bool = false
  ) throws -> SequenceClassifier? {
    let whole = try plan(for: recording.outputs)
    guard let (update, rest) = try nearby.found(recording, precision, weights, whole.kernels),
      rest.flops < largestRest * whole.flops
    else { return nil }
    let chunk = chunk ?? update.chunk(threads: Workers.count)
    guard
      UpdateRun.size(update, threads: Workers.count, chunk: chunk, keepsProducts: false)
        <= min(room, Self.mostHeld(beside: whole))
    else { return nil }
    do {
      return try SequenceClassifier(
        update: update, rest: rest, whole: whole, chunk: chunk, continues: continues)
    } catch is OutOfMemoryError {
      return nil
    }
  }

  /// The part of all operations that may follow an update that is worth it for a single image.
  private static let largestRest = 0.8
  /// The most parts in which images of ``inSequenceOfCalls(room:)`` are followed.
  private static let mostParts = 2

  /// Computes of an image what is needed to go on from a named value, by a plan.
  ///
  /// - Throws: ``UnknownValueError``, `EvaluationError`.
  public func forward(_ pass: ForwardPass, to name: String?) throws -> ForwardPass {
    let known = pass.values(of: owner)
    let output = recording.outputs[0]
    var values: [ValueID: Tensor]
    if let name {
      values = try start(at: try layer(name), pass)
    } else if known[output] != nil {
      return pass
    } else {
      values = try predicted(pass.image)
    }
    values[recording.inputs[0]] = nil
    let all = known.merging(values) { first, _ in first }
    return ForwardPass(pass.image, logits: all[output] ?? pass.logits, values: all, of: owner)
  }

  /// Walks back from logits to a named value, for several images, one image a thread.
  ///
  /// The value is computed by a plan where it is not the input and the pass does not have it; only
  /// what follows it is evaluated for the walk. Walks back by the rules of this package are computed
  /// by plans; by others the recording is walked, and a rule that walks a recording of its own ends
  /// at the input alone.
  ///
  /// - Throws: ``UnknownValueError``, ``UnknownOutputError``, `EvaluationError`.
  public func backward(
    from targets: [LogitTarget], to name: String?, passes: [ForwardPass], rule: any BackwardRule
  ) throws -> [BackwardPass] {
    let layer = try name.map(layer) ?? recording.inputs[0]
    let cotangents = try targets.map(cotangent)
    let starts = try passes.map { try start(at: layer, $0) }
    if let found = try planned(layer, cotangents, from: starts, rule) { return found }
    if let walked = try rule.rewritten(recording) {
      guard layer == recording.inputs[0] else { throw UnknownValueError(name: name ?? "") }
      return try Workers.pool.map(passes.count) { index in
        try Self.walkBack(
          walked, to: walked.inputs[0], cotangents, from: [walked.inputs[0]: passes[index].image],
          rule)
      }
    }
    return try Workers.pool.map(passes.count) { index in
      try Self.walkBack(recording, to: layer, cotangents, from: starts[index], rule)
    }
  }

  /// The most walks back of one plan; for more targets the forward pass is computed again.
  private static let mostWalks = 4

  /// Walks back by plans; `nil` where the rule has none.
  private func planned(
    _ layer: ValueID, _ cotangents: [Tensor], from starts: [[ValueID: Tensor]],
    _ rule: any BackwardRule
  ) throws -> [BackwardPass]? {
    guard !cotangents.isEmpty, !starts.isEmpty else { return nil }
    let isWhole = layer == recording.inputs[0] && recording.inputs.count == 1
    switch rule {
    case is ExactRule:
      return try planned(layer, .gradient(isGuided: false), cotangents, from: starts)
    case is GuidedRule:
      return try planned(layer, .gradient(isGuided: true), cotangents, from: starts)
    case let rule as RelevanceRule where isWhole:
      return try planned(layer, .relevance(rule.composite), cotangents, from: starts)
    case let rule as DeepLIFTRule where isWhole:
      guard let reference = rule.reference, reference.map(\.shape) == [inputShape] else {
        return nil
      }
      return try planned(layer, .multipliers, cotangents, reference: reference[0], from: starts)
    case let rule as any WatchingRule: return try watched(layer, cotangents, from: starts, rule)
    default: return nil
    }
  }

  private func planned(
    _ layer: ValueID, _ rule: GradientPlan.Rule, _ cotangents: [Tensor],
    reference: Tensor? = nil, from starts: [[ValueID: Tensor]]
  ) throws -> [BackwardPass]? {
    var passes: [BackwardPass] = []
    for first in stride(from: 0, to: cotangents.count, by: Self.mostWalks) {
      let some = Array(cotangents[first..<min(first + Self.mostWalks, cotangents.count)])
      let walk = GradientPlan.Walk(layer: layer, count: some.count, rule: rule)
      guard let plan = try gradientPlan(for: walk) else { return nil }
      let found = try plan(starts, reference: reference, cotangents: some).map(\.pass)
      passes = passes.isEmpty ? found : zip(passes, found).map { $0.adding($1.cotangents) }
    }
    return passes
  }

  /// Walks back once by a plan, for a rule that is told of cotangents on the way.
  private func watched(
    _ layer: ValueID, _ cotangents: [Tensor], from starts: [[ValueID: Tensor]],
    _ rule: any WatchingRule
  ) throws -> [BackwardPass]? {
    let output = recording.outputs[0]
    guard cotangents.count == 1, let watched = recording.watched(by: rule, from: layer, to: output)
    else { return nil }
    let walk = GradientPlan.Walk(layer: layer, count: 1, rule: .watched(watched.map(\.value)))
    guard let plan = try gradientPlan(for: walk) else { return nil }
    return try plan(starts, cotangents: cotangents).map { found in
      for (watched, cotangent) in zip(watched, found.watched) {
        rule.watch(cotangent, of: watched.primitive, constants: watched.constants)
      }
      return found.pass
    }
  }

  // Without room for it the work ends: another way back would give other last bits.
  private func gradientPlan(for walk: GradientPlan.Walk) throws -> GradientPlan? {
    if case .relevance = walk.rule {
      return try relevance.plan(for: walk, in: recording, precision: precision)
    }
    return try gradientPlans.plan(for: walk) {
      try GradientPlan(walk, in: recording, precision: precision, weights: weights)
    }
  }

  private static func walkBack(
    _ recording: Recording, to layer: ValueID, _ cotangents: [Tensor],
    from start: [ValueID: Tensor], _ rule: any BackwardRule
  ) throws -> BackwardPass {
    let value = start[layer] ?? Tensor(recording[layer].shape)
    guard let last = cotangents.last else { return BackwardPass(value: value, cotangents: []) }
    let trace = try recording.trace(
      of: recording.outputs[0], at: [layer], given: start, rule: rule)
    func found(_ result: [ValueID: Tensor]) -> Tensor { result[layer] ?? Tensor(value.shape) }
    let logits = trace.output
    let first = try cotangents.dropLast().map { found(try trace.gradient(cotangent: $0)) }
    return BackwardPass(
      value: value, cotangents: first + [found(try trace.gradient(cotangent: last))],
      logits: logits)
  }

  /// The logits of one image with a named value replaced by others, `[count, K]`.
  ///
  /// - Throws: ``UnknownValueError``, `EvaluationError`.
  public func logits(
    count: Int, at name: String, of pass: ForwardPass,
    replacing replace: (Int, inout Tensor) -> Void
  ) throws -> Tensor {
    let layer = try layer(name)
    let output = recording.outputs[0]
    var known = try start(at: layer, pass)
    guard let original = known[layer] else { throw UnknownValueError(name: name) }
    // The logits of the image itself, which may be among them, are not those that are asked for.
    if layer != output { known[output] = nil }
    let rows = try (0..<count).map { index in
      var value = original
      replace(index, &value)
      known[layer] = value
      return try recording.evaluate([output], given: known)[output]
        ?? Tensor(recording[output].shape)
    }
    return Tensor.stacking(rows)
  }

  /// The cotangent that selects a logit, or a sum of logits.
  private func cotangent(_ target: LogitTarget) throws(UnknownOutputError) -> Tensor {
    var cotangent = Tensor(recording[recording.outputs[0]].shape)
    for term in target.terms {
      guard (0..<outputCount).contains(term.index) else {
        throw UnknownOutputError(index: term.index, count: outputCount)
      }
      cotangent[0, term.index] += term.weight
    }
    return cotangent
  }

  /// The plan that computes some values.
  private func plan(for wanted: [ValueID]) throws -> Plan {
    try plans.plan(for: wanted) {
      try Plan(recording, wanted: wanted, precision: precision, weights: weights)
    }
  }

  /// A value, and what else is needed to compute the logits from it.
  ///
  /// The default layer comes, with the logits, from the plan of predictions; another layer from a
  /// plan that ends there.
  private func start(at layer: ValueID, _ pass: ForwardPass) throws -> [ValueID: Tensor] {
    let (input, output) = (recording.inputs[0], recording.outputs[0])
    let boundary = recording.boundary(from: [layer], to: output)
    let wanted = Set(boundary + [layer]).subtracting([input]).sorted()
    var start = [input: pass.image]
    guard !wanted.isEmpty else { return start }
    let known = pass.values(of: owner)
    let isPrediction = try wanted == storedLayer.map { [$0] }
    if wanted.allSatisfy({ known[$0] != nil }) {
      for id in wanted { start[id] = known[id] }
      if isPrediction { start[output] = known[output] }
    } else if isPrediction {
      start.merge(try predicted(pass.image)) { first, _ in first }
    } else {
      for (id, value) in zip(wanted, try plan(for: wanted)(pass.image)) { start[id] = value }
    }
    return start
  }

  private func layer(_ name: String) throws(UnknownValueError) -> ValueID {
    guard let layer = value(name) else { throw UnknownValueError(name: name) }
    return layer
  }

  private func value(_ name: String) -> ValueID? {
    recording.value(named: aliases[name] ?? name)
  }
}
