package import PrismAutodiff
internal import PrismKernels
public import PrismTensor

extension Plan {
  /// One step of a plan and how long it takes.
  public struct StepTime: Sendable {
    /// What the step does, with its sizes.
    public let description: String
    /// The least time of several runs, for one image.
    public let seconds: Double
    /// The floating-point operations by definition, whatever the algorithm needs.
    public let flops: Int
  }

  /// Measures every step by itself, for one image of the given numbers.
  ///
  /// - Parameters:
  ///   - image: `[1, H, W, C]`.
  ///   - repeats: How often the whole network is run.
  ///   - threads: Among how many threads a step is divided.
  /// - Returns: The steps in their order.
  /// - Throws: `OutOfMemoryError`.
  public func profile(
    _ image: Tensor, repeats: Int, threads: Int = 1
  ) throws -> [StepTime] {
    try profile(giving: [image], repeats: repeats, threads: threads)
  }

  /// The same for an image of which several values are given.
  func profile(giving given: [Tensor], repeats: Int, threads: Int) throws -> [StepTime] {
    let pool = WorkerPool(workerCount: threads)
    let tasks = timedTasks(isDivided: threads > 1)
    var best = [Double](repeating: .infinity, count: tasks.count)
    try withBlocks(lanes: pool.workerCount, images: 1) { blocks in
      _ = Tensor.filling(shapes) { results in
        let exchange = Exchange(
          given: given.map { value in
            { _, target in
              value.withUnsafePointer { target.update(from: $0, count: value.count) }
            }
          }, results: results)
        let workspace = Workspace(exchange: exchange, layout: program.layout, blocks: blocks)
        let run = PlanRun(program: program, kernels: kernels, workspace: workspace, pool: pool)
        let clock = ContinuousClock()
        for _ in 0..<repeats {
          for (i, task) in tasks.enumerated() {
            let start = clock.now
            task.execute(run)
            best[i] = min(best[i], (clock.now - start) / .seconds(1))
          }
        }
      }
    }
    return zip(tasks.map(\.step), best).map { step, seconds in
      StepTime(
        description: step.kind.label(of: step), seconds: seconds, flops: step.kind.flops(of: step))
    }
  }

  /// A step in the form in which it is measured.
  private struct TimedTask {
    let step: Step
    let batched: (any BatchedStepKind)?

    func execute(_ run: PlanRun) {
      if let batched {
        batched.execute(
          step, workspace: run.workspace, images: 1, kernels: run.kernels, pool: run.pool)
      } else {
        run.divide(step, run.workspace.context(lane: 0, slot: 0, image: 0))
      }
    }
  }

  private func timedTasks(isDivided: Bool) -> [TimedTask] {
    program.phases.flatMap { phase -> [TimedTask] in
      switch phase {
      case .image(let steps), .group(let steps):
        (isDivided ? steps.divided : steps.whole).map { TimedTask(step: $0, batched: nil) }
      case .batch(let step, let kind): [TimedTask(step: step, batched: kind)]
      }
    }
  }
}

extension PlannedClassifier {
  /// Measures every step of the plan of a gradient at the input by itself.
  ///
  /// - Parameters:
  ///   - recording: The forward pass of one image.
  ///   - precision: How much rounding is allowed for speed.
  ///   - image: `[1, H, W, C]`.
  ///   - repeats: How often the whole plan is run.
  ///   - threads: Among how many threads a step is divided.
  /// - Returns: The steps in their order; none where the output does not depend on the input.
  /// - Throws: `InstructionSetError`; `OutOfMemoryError`.
  package static func profileOfGradient(
    _ recording: Recording, precision: Plan.Precision, image: Tensor, repeats: Int, threads: Int
  ) throws -> [Plan.StepTime] {
    let walk = GradientPlan.Walk(layer: recording.inputs[0], count: 1)
    let cotangent = Tensor(recording[recording.outputs[0]].shape, repeating: 1)
    return try GradientPlan(walk, in: recording, precision: precision, weights: PackedWeights())?
      .plan.profile(giving: [image, cotangent], repeats: repeats, threads: threads) ?? []
  }
}
