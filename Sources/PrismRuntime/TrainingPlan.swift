package import PrismAutodiff
package import PrismKernels
package import PrismTensor
internal import Synchronization

/// Gradients by parameters, by a plan of forward pass and walk back in one, as ``GradientPlan`` has
/// them by values.
///
/// All images of a batch go forward; then the caller says what cotangent each output has, which may
/// depend on all outputs; then all go back. Gradients are added up over groups of images, each by
/// one thread, and the groups' in their order: the bits do not depend on the number of threads.
package struct TrainingPlan: Sendable {
  private let training: TrainingRecording
  private let plan: Plan
  private let names: [ValueID: String]
  private let groupSize: Int

  /// Makes a plan, or `nil` where the output depends on none of the parameters.
  ///
  /// - Parameters:
  ///   - recording: The forward pass of one image, with one input and one output.
  ///   - trained: The names of the parameters by which gradients are wanted.
  ///   - groupSize: The images whose gradients one thread adds up.
  /// - Throws: `InstructionSetError`; `OutOfMemoryError` where there is no room for the packed
  ///   weights.
  package init?(_ recording: Recording, trained: Set<String>, groupSize: Int) throws {
    try self.init(
      recording, trained: trained, groupSize: groupSize,
      kernels: Kernels(try InstructionSet.select().get()))
  }

  /// Makes a plan for a stated set of kernels.
  init?(_ recording: Recording, trained: Set<String>, groupSize: Int, kernels: Kernels) throws {
    let output = recording.outputs[0]
    let names = recording.parameterNames.filter { trained.contains($0.value) }
    guard
      let training = TrainingRecording(recording, of: output, by: names.keys.sorted())
    else { return nil }
    self.training = training
    self.names = names
    self.groupSize = groupSize
    plan = try Plan(
      training.recording, given: [recording.inputs[0], training.cotangent], wanted: [output],
      precision: .standard, weights: PackedWeights(), kernels: kernels, summed: training.sums,
      meeting: training.cotangent)
    // What is not summed would be missing in silence.
    guard training.sums.allSatisfy({ plan.program.sums[$0] != nil }) else { return nil }
  }

  /// The steps of the plan, as people read them.
  var labels: [String] { plan.program.steps.map { $0.kind.label(of: $0) } }

  /// Walks forward and back.
  ///
  /// - Parameters:
  ///   - images: The inputs, one an image.
  ///   - pool: The threads.
  ///   - cotangents: Makes of the outputs, one row an image, their cotangents.
  /// - Returns: The gradients by the names of parameters, zeros where nothing depends on one.
  /// - Throws: What `cotangents` throws; `OutOfMemoryError`.
  package func callAsFunction(
    _ images: [Tensor], on pool: WorkerPool = Workers.pool,
    cotangents: (Tensor) throws -> Tensor
  ) throws -> [String: Tensor] {
    let shape = plan.shapes[0].replacing(axis: 0, with: images.count)
    let size = shape.count / max(images.count, 1)
    // Made when the first image asks for it.
    let found = Mutex<Result<Tensor, any Error>?>(nil)
    let sums = try withoutActuallyEscaping(cotangents) { cotangents in
      try plan.sums(
        count: images.count, groupSize: groupSize, on: pool,
        giving: [
          { index, target, _ in
            images[index].withUnsafePointer {
              target.update(from: $0, count: images[index].count)
            }
          },
          { index, target, stored in
            if index == 0 {
              let outputs = Tensor(uninitialized: shape) {
                $0.update(from: stored[0], count: shape.count)
              }
              let result = Result {
                let tensor = try cotangents(outputs)
                guard tensor.shape == shape else {
                  throw ShapeError(
                    "cotangents", [tensor.shape], "there is one for each of \(shape) outputs")
                }
                return tensor
              }
              found.withLock { $0 = result }
            }
            guard let tensor = found.withLock({ try? $0?.get() }) else {
              return target.update(repeating: 0, count: size)
            }
            tensor.withUnsafePointer { target.update(from: $0 + index * size, count: size) }
          },
        ])
    }
    _ = try found.withLock { $0 }?.get()
    return try Memory.expecting(floats: 2 * plan.program.sumSize) {
      try gradients(sums, on: pool)
    }
  }

  /// The gradients by parameters, from the sums over all images.
  private func gradients(
    _ sums: [ValueID: Tensor], on pool: WorkerPool
  ) throws -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    func add(_ gradient: Tensor, _ id: ValueID) {
      guard let name = names[id] else { return }
      if result[name] == nil { result[name] = gradient } else { result[name]? += gradient }
    }
    for (parameter, value) in training.gradients.sorted(by: { $0.key < $1.key }) {
      if let sum = sums[value] { add(sum, parameter) }
    }
    let parts = try pool.map(training.folded.count) { index -> [ValueID: Tensor] in
      let folded = training.folded[index]
      guard let weight = sums[folded.weight], let sum = sums[folded.sum] else { return [:] }
      return folded.gradients(weight: weight, sum: sum, in: training.recording)
    }
    for part in parts {
      for (id, gradient) in part.sorted(by: { $0.key < $1.key }) { add(gradient, id) }
    }
    for (id, name) in names where result[name] == nil {
      result[name] = Tensor(training.recording[id].shape)
    }
    return result
  }
}
