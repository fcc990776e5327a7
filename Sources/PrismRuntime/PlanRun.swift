internal import PrismKernels

/// One call of a plan: takes images through the phases of a program, whole ones side by side and
/// single ones divided among the threads.
struct PlanRun {
  let program: Program
  let kernels: Kernels
  let workspace: Workspace
  let pool: WorkerPool

  /// Computes some images, no more than the workspace has room for.
  func execute(_ images: Range<Int>) {
    // Images that fill all threads evenly are not divided; the rest is.
    let workers = pool.freeCount
    let whole = images.count / workers * workers
    for phase in program.phases {
      switch phase {
      case .image(let steps):
        pool.run(tasks: whole) { slot, worker in
          let context = workspace.context(lane: worker, slot: slot, image: images.lowerBound + slot)
          for step in steps.whole { step.kind.execute(step, context, kernels, part: .whole) }
        }
        divide(steps, images, slots: whole..<images.count)
      case .group(let steps):
        group(steps, images, whole: whole)
        divide(steps, images, slots: whole..<images.count)
      case .batch(let step, let kind):
        kind.execute(
          step, workspace: workspace, images: images.count, kernels: kernels, pool: pool)
      }
    }
  }

  /// Computes all images, those of a group by one thread.
  func execute(groups: [Range<Int>]) {
    pool.run(tasks: groups.count) { group, _ in
      guard let sums = workspace.sums else { return }
      sums.pointer(ofGroup: group).update(repeating: 0, count: sums.size)
    }
    for phase in program.phases {
      switch phase {
      case .image(let steps):
        pool.run(tasks: groups.count) { group, worker in
          for slot in groups[group] {
            let context = workspace.context(lane: worker, slot: slot, image: slot)
            for step in steps.whole { step.kind.execute(step, context, kernels, part: .whole) }
          }
        }
      case .group(let steps):
        pool.run(tasks: groups.count) { group, worker in
          let contexts = groups[group].map {
            workspace.context(lane: worker, slot: $0, image: $0)
          }
          for step in steps.whole {
            for context in contexts { step.kind.execute(step, context, kernels, part: .whole) }
          }
        }
      case .batch(let step, let kind):
        kind.execute(
          step, workspace: workspace, images: groups.last?.upperBound ?? 0, kernels: kernels,
          pool: pool)
      }
    }
  }

  /// Takes several images a thread through some steps, all of them through one before the next.
  private func group(_ steps: Program.Steps, _ images: Range<Int>, whole: Int) {
    guard whole > 0 else { return }
    pool.run(tasks: pool.workerCount) { group, worker in
      let contexts = Part(index: group, count: pool.workerCount).range(of: whole).map {
        workspace.context(lane: worker, slot: $0, image: images.lowerBound + $0)
      }
      for step in steps.whole {
        for context in contexts { step.kind.execute(step, context, kernels, part: .whole) }
      }
    }
  }

  private func divide(_ steps: Program.Steps, _ images: Range<Int>, slots: Range<Int>) {
    for slot in slots {
      let context = workspace.context(lane: 0, slot: slot, image: images.lowerBound + slot)
      for step in steps.divided { divide(step, context) }
    }
  }

  /// Computes a step of one image, divided among all threads.
  func divide(_ step: Step, _ whole: Context) {
    let parts = step.parts(pool.workerCount)
    guard parts > 1 else { return step.kind.execute(step, whole, kernels, part: .whole) }
    pool.run(tasks: parts) { part, worker in
      var context = whole
      context.scratch = workspace.scratch(worker)
      step.kind.execute(step, context, kernels, part: Part(index: part, count: parts))
    }
  }
}
