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
  private let plans = PlanStore()
  private let last = Mutex<SingleImage?>(nil)

  // What the last single image gave.
  private struct SingleImage {
    let image: Tensor
    let values: [ValueID: Tensor]
  }

  /// Makes a classifier from the recording of one image's forward pass, from `[1, H, W, C]` to `[1, K]`.
  ///
  /// - Parameters:
  ///   - recording: Has one input and one output.
  ///   - defaultLayer: The layer that the CAM family explains unless told otherwise.
  ///   - aliases: Further names of named values.
  ///   - precision: How much rounding plans may trade for speed.
  ///   - didPack: Is told the names of weights that have been packed, and that plans do not read again.
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

  /// Whether the network has rectifiers, at which guided backpropagation differs from the gradient.
  public var hasRectifiers: Bool {
    recording.ids.contains { recording.primitive(of: $0).map(GradientRule.isRectifier) ?? false }
  }

  /// The same classifier with another recording, such as one with other weights.
  ///
  /// - Parameter recording: Has the values of this one's.
  /// - Returns: A classifier with plans of its own.
  public func replacing(_ recording: Recording) -> PlannedClassifier {
    PlannedClassifier(
      recording, defaultLayer: defaultLayer, aliases: aliases, precision: precision)
  }

  /// The shape of a named value for one image, or `nil` where there is no such value.
  public func shape(of name: String) -> Shape? {
    value(name).map { recording[$0].shape }
  }

  /// The logits of a batch of images, `[N, H, W, C]` to `[N, K]`.
  ///
  /// The value of the default layer for a single image is kept until the next one, so that an explanation that follows
  /// a prediction need not compute it again.
  ///
  /// - Throws: `EvaluationError` where the images have another shape than the recording's input.
  public func logits(_ images: Tensor) throws -> Tensor {
    guard images.shape == inputShape else { return try plan(for: recording.outputs)(images)[0] }
    let output = recording.outputs[0]
    return try predicted(images)[output] ?? Tensor(recording[output].shape)
  }

  /// The logits and the value of the default layer for a single image, which are kept.
  private func predicted(_ image: Tensor) throws -> [ValueID: Tensor] {
    let wanted = recording.outputs + (value(defaultLayer).map { [$0] } ?? [])
    let computed = try plan(for: wanted)(image)
    let values = Dictionary(zip(wanted, computed)) { first, _ in first }
    last.withLock { $0 = SingleImage(image: image, values: values) }
    return values
  }

  /// The logits of many images that are composed one by one, straight into the plan's memory.
  ///
  /// - Throws: Never for a classifier whose first plan could be made.
  public func logits(
    count: Int, composing compose: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
  ) throws -> Tensor {
    try plan(for: recording.outputs).run(count: count, composing: compose)[0]
  }

  /// A named value and the gradients of logits at it, for one image.
  ///
  /// The value is computed by a plan; only what follows it is evaluated for the gradient.
  ///
  /// - Throws: ``UnknownValueError``, ``UnknownOutputError``, `EvaluationError`.
  public func gradients(
    of targets: [Int], at name: String, image: Tensor, rule: GradientRule
  ) throws -> (value: Tensor, gradients: [Tensor]) {
    guard let layer = value(name) else { throw UnknownValueError(name: name) }
    let cotangents = try targets.map(cotangent)
    let output = recording.outputs[0]
    let known = try values(before: layer, image: image)
    guard let value = known[layer] else { throw UnknownValueError(name: name) }
    let gradients = try cotangents.map { cotangent in
      let result = try recording.gradient(
        of: output, cotangent: cotangent, at: [layer], given: known, rule: rule)
      return result[layer] ?? Tensor(value.shape)
    }
    return (value, gradients)
  }

  /// The gradients of logits at the input, for several images, one image a thread.
  ///
  /// - Throws: ``UnknownOutputError``, `EvaluationError`.
  public func inputGradients(
    of targets: [Int], images: [Tensor], rule: GradientRule
  ) throws -> [[Tensor]] {
    let (input, output) = (recording.inputs[0], recording.outputs[0])
    let cotangents = try targets.map(cotangent)
    let results = Mutex([Result<[Tensor], EvaluationError>?](repeating: nil, count: images.count))
    Workers.pool.run(tasks: images.count) { index, _ in
      let result = Result { () throws(EvaluationError) in
        var gradients: [Tensor] = []
        for cotangent in cotangents {
          let found = try recording.gradient(
            of: output, cotangent: cotangent, at: [input], given: [input: images[index]],
            rule: rule)
          gradients.append(found[input] ?? Tensor(images[index].shape))
        }
        return gradients
      }
      results.withLock { $0[index] = result }
    }
    return try results.withLock { try $0.compactMap { try $0?.get() } }
  }

  /// The logits of one image with a named value replaced by others, `[count, K]`.
  ///
  /// - Throws: ``UnknownValueError``, `EvaluationError`.
  public func logits(
    count: Int, at name: String, image: Tensor, replacing replace: (Int, inout Tensor) -> Void
  ) throws -> Tensor {
    guard let layer = value(name) else { throw UnknownValueError(name: name) }
    let output = recording.outputs[0]
    var known = try values(before: layer, image: image)
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

  /// DeepLIFT's multipliers of logits at the input, for one image against a baseline.
  ///
  /// - Throws: ``UnknownOutputError``, `EvaluationError`.
  public func multipliers(
    of targets: [Int], image: Tensor, baseline: Tensor
  ) throws -> [Tensor] {
    let (input, output) = (recording.inputs[0], recording.outputs[0])
    return try targets.map { target in
      try recording.multipliers(
        of: output, cotangent: try cotangent(target), at: [input], given: [input: image],
        reference: [input: baseline])[input] ?? Tensor(image.shape)
    }
  }

  /// The cotangent that selects one logit.
  private func cotangent(_ target: Int) throws(UnknownOutputError) -> Tensor {
    guard (0..<outputCount).contains(target) else {
      throw UnknownOutputError(index: target, count: outputCount)
    }
    var cotangent = Tensor(recording[recording.outputs[0]].shape)
    cotangent[0, target] = 1
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
  /// The default layer comes, with the logits, from the plan of predictions, whose last values are kept; another layer
  /// from a plan that ends there.
  private func values(before layer: ValueID, image: Tensor) throws -> [ValueID: Tensor] {
    var known: [ValueID: Tensor] = [recording.inputs[0]: image]
    let start = recording.boundary(from: [layer], to: recording.outputs[0])
    let wanted = Array(Set(start + [layer])).sorted().filter { known[$0] == nil }
    guard !wanted.isEmpty else { return known }
    if wanted == [value(defaultLayer)] {
      let kept = last.withLock { $0.flatMap { $0.image == image ? $0.values : nil } }
      known.merge(try kept ?? predicted(image)) { first, _ in first }
    }
    if !wanted.allSatisfy({ known[$0] != nil }) {
      for (id, value) in zip(wanted, try plan(for: wanted)(image)) { known[id] = value }
    }
    return known
  }

  private func value(_ name: String) -> ValueID? {
    recording.value(named: aliases[name] ?? name)
  }
}
