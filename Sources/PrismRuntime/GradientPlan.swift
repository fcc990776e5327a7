internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor

/// Gradients of logits at a value, by a plan of forward pass and walk back in one.
///
/// The walk back is made of operations as the forward pass is: batch normalisations are folded into
/// the weights by which cotangents go back, the slopes of activations are multiplied in while those
/// are stored, and the arena of an image holds of the forward pass what is still to be read. An
/// image's results are the same bits whatever the batch it is in and the number of threads.
struct GradientPlan: Sendable {
  /// What is computed.
  struct Walk: Hashable {
    /// Where walks back end.
    let layer: ValueID
    /// The number of cotangents that are taken back.
    let count: Int
    /// Whether rectifiers follow the rule of guided backpropagation.
    let isGuided: Bool
  }

  /// The bytes of values between batched operations for which several images exist at a time.
  private static let mostImageBytes = 64 << 20

  private let walk: Walk
  let plan: Plan
  /// What is given of the forward pass.
  private let given: [ValueID]

  /// Makes a plan, or `nil` where the output does not depend on the layer.
  ///
  /// - Parameters:
  ///   - walk: What to compute.
  ///   - recording: The forward pass of one image, with one output.
  ///   - precision: How much rounding is allowed for speed.
  ///   - weights: Shared with plans of the recording.
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
    let output = recording.outputs[0]
    guard
      let reversed = ReversedRecording(
        recording, of: output, at: walk.layer, count: walk.count, isGuided: walk.isGuided)
    else { return nil }
    self.walk = walk
    given = recording.boundary(from: [walk.layer], to: output)
    plan = try Plan(
      reversed.recording, given: given + reversed.cotangents, wanted: [output] + reversed.gradients,
      precision: precision, weights: weights, kernels: kernels,
      mostImageBytes: Self.mostImageBytes)
  }

  /// Walks back for several images.
  ///
  /// - Parameters:
  ///   - starts: What is given of each image: the layer, and what leads round it.
  ///   - cotangents: One an output that is differentiated, in the shape of the logits of an image.
  ///   - pool: The threads.
  /// - Returns: What was found for each image.
  /// - Throws: `EvaluationError` where a value is missing; `OutOfMemoryError`.
  func callAsFunction(
    _ starts: [[ValueID: Tensor]], cotangents: [Tensor], on pool: WorkerPool = Workers.pool
  ) throws -> [BackwardPass] {
    let values = try given.map { id in
      try starts.map { start in
        guard let value = start[id] else { throw EvaluationError.inputNotGiven(id) }
        return value
      }
    }
    let images = values.map { values in
      { (index: Int, target: UnsafeMutablePointer<Float>) in Self.copy(values[index], to: target) }
    }
    let directions = cotangents.map { cotangent in
      { (_: Int, target: UnsafeMutablePointer<Float>) in Self.copy(cotangent, to: target) }
    }
    let found = try plan.run(count: starts.count, on: pool, giving: images + directions)
    return starts.indices.map { index in
      BackwardPass(
        value: starts[index][walk.layer] ?? Tensor(found[1].slice(index).shape),
        cotangents: found.dropFirst().map { $0.slice(index) }, logits: found[0].slice(index))
    }
  }

  private static func copy(_ tensor: Tensor, to target: UnsafeMutablePointer<Float>) {
    tensor.withUnsafePointer { target.update(from: $0, count: tensor.count) }
  }
}
