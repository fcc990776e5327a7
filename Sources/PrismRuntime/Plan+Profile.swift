internal import PrismAutodiff
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
    let pool = WorkerPool(workerCount: threads)
    let tasks = timedTasks(isDivided: threads > 1)
    var best = [Double](repeating: .infinity, count: tasks.count)
    try withBlocks(lanes: pool.workerCount, images: 1) { blocks in
      _ = Tensor.filling(shapes) { results in
        let exchange = Exchange(
          compose: { _, target in
            image.withUnsafePointer { target.update(from: $0, count: image.count) }
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
