internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor

/// Walks back from logits to a value, by a plan of forward pass and walk back in one.
///
/// The walk back is made of operations as the forward pass is: batch normalisations are folded into
/// the weights by which cotangents go back, the slopes of activations are multiplied in while those
/// are stored, and the arena of an image holds of the forward pass what is still to be read. An
/// image's results are the same bits whatever the batch it is in and the number of threads.
struct GradientPlan: Sendable {
  /// What walks back find.
  enum Rule: Hashable {
    /// Gradients; or those of guided backpropagation.
    case gradient(isGuided: Bool)
    /// Gradients, and those at further values.
    case watched([ValueID])
    /// Relevance, as a composite divides it.
    case relevance(RelevanceComposite)
    /// DeepLIFT's multipliers.
    case multipliers
  }

  /// What is computed.
  struct Walk: Hashable {
    /// Where walks back end.
    let layer: ValueID
    /// The number of cotangents that are taken back.
    let count: Int
    /// What they find.
    let rule: Rule

    /// Makes a description of walks.
    init(layer: ValueID, count: Int, rule: Rule = .gradient(isGuided: false)) {
      self.layer = layer
      self.count = count
      self.rule = rule
    }
  }

  /// The bytes of values between batched operations for which several images exist at a time.
  private static let mostImageBytes = 64 << 20
  /// The most numbers of weights that are made of the model's for rules of relevance.
  private static let mostMadeWeights = 1 << 26

  private let walk: Walk
  let plan: Plan
  /// What is given of the forward pass.
  private let given: [ValueID]

  /// Makes a plan, or `nil` where the output does not depend on the layer, or a rule needs too much
  /// memory for that.
  ///
  /// - Parameters:
  ///   - walk: What to compute.
  ///   - recording: The forward pass of one image, with one output.
  ///   - precision: How much rounding is allowed for speed.
  ///   - weights: Shared with plans of the recording; of relevance with those of its composite.
  /// - Throws: `InstructionSetError`; `OutOfMemoryError` where there is no room for the packed
  ///   weights.
  init?(
    _ walk: Walk, in recording: Recording, precision: Plan.Precision, weights: PackedWeights
  ) throws {
    try self.init(
      walk, in: recording, precision: precision, weights: weights,
      kernels: Kernels(try InstructionSet.select().get()))
  }

  /// Makes a plan for a stated set of kernels.
  init?(
    _ walk: Walk, in recording: Recording, precision: Plan.Precision, weights: PackedWeights,
    kernels: Kernels
  ) throws {
    guard let reversed = try walk.reversed(recording, mostMadeWeights: Self.mostMadeWeights) else {
      return nil
    }
    self.walk = walk
    let all = reversed.recording
    var precision = precision
    var starts = recording.boundary(from: [walk.layer], to: recording.outputs[0])
    given = starts
    if case .relevance = walk.rule {
      // Relevance is divided by sums that may be small beside others.
      precision = .strict
      starts = all.inputs
    }
    plan = try Plan(
      all, given: starts + reversed.references + reversed.cotangents,
      wanted: all.outputs + reversed.gradients + reversed.watched, precision: precision,
      weights: weights, kernels: kernels, mostImageBytes: Self.mostImageBytes)
  }

  /// Walks back for several images.
  ///
  /// - Parameters:
  ///   - starts: What is given of each image: the layer, and what leads round it.
  ///   - reference: The input that multipliers compare with.
  ///   - cotangents: One an output that is differentiated, in the shape of the logits of an image.
  ///   - pool: The threads.
  /// - Returns: What was found for each image, and of each the gradients at what is watched.
  /// - Throws: `EvaluationError` where a value is missing; `OutOfMemoryError`.
  func callAsFunction(
    _ starts: [[ValueID: Tensor]], reference: Tensor? = nil, cotangents: [Tensor],
    on pool: WorkerPool = Workers.pool
  ) throws -> [(pass: BackwardPass, watched: [Tensor])] {
    let values = try given.map { id in
      try starts.map { start in
        guard let value = start[id] else { throw EvaluationError.inputNotGiven(id) }
        return value
      }
    }
    let images = values.map { values in
      { (index: Int, target: UnsafeMutablePointer<Float>) in Self.copy(values[index], to: target) }
    }
    let others = ([reference].compactMap { $0 } + cotangents).map { tensor in
      { (_: Int, target: UnsafeMutablePointer<Float>) in Self.copy(tensor, to: target) }
    }
    let found = try plan.run(count: starts.count, on: pool, giving: images + others)
    return starts.indices.map { index in
      let results = found.dropFirst().map { $0.slice(index) }
      return (
        BackwardPass(
          value: starts[index][walk.layer] ?? Tensor(found[1].slice(index).shape),
          cotangents: Array(results.prefix(walk.count)), logits: found[0].slice(index)),
        Array(results.dropFirst(walk.count))
      )
    }
  }

  private static func copy(_ tensor: Tensor, to target: UnsafeMutablePointer<Float>) {
    tensor.withUnsafePointer { target.update(from: $0, count: tensor.count) }
  }
}

extension GradientPlan.Walk {
  /// The forward pass with the walks back written down after it.
  fileprivate func reversed(
    _ recording: Recording, mostMadeWeights: Int
  ) throws -> ReversedRecording? {
    let output = recording.outputs[0]
    switch rule {
    case .gradient(let isGuided):
      return ReversedRecording(
        recording, of: output, at: layer, count: count, isGuided: isGuided)
    case .watched(let values):
      return ReversedRecording(
        recording, of: output, at: layer, count: count, watching: values)
    case .relevance(let composite):
      return try ReversedRecording(
        recording, dividing: composite, count: count, mostFloats: mostMadeWeights)
    case .multipliers: return ReversedRecording(comparing: recording, count: count)
    }
  }
}
