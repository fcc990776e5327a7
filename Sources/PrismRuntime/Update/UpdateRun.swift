internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor
internal import Synchronization

/// The memory of a known image and of images that differ from it, and how those are computed.
///
/// Between calls every arena holds the values of the known image.
struct UpdateRun {
  let update: Update
  let layout: WorkspaceLayout
  let pool: WorkerPool
  /// The arenas and scratch memories of a workspace with one thread and one image more than are
  /// computed at a time, for the known image; and room for the images as they are composed.
  let blocks: [FloatBlock]

  /// The floats of the blocks.
  static func sizes(_ update: Update, threads: Int) -> [Int] {
    let program = update.program
    return Workspace.sizes(
      program.layout, lanes: threads + 1, images: Update.chunk + 1,
      shared: program.sharedSize(images: Update.chunk)) + [Update.chunk * update.inputShape.count]
  }

  private var program: Program { update.program }
  private var kernels: Kernels { update.kernels }

  private func workspace(_ exchange: Exchange) -> Workspace {
    Workspace(exchange: exchange, layout: layout, blocks: Array(blocks.prefix(4)))
  }

  private func base(_ workspace: Workspace) -> Context {
    workspace.context(lane: pool.workerCount, slot: Update.chunk, image: 0)
  }

  private func composed(_ slot: Int) -> UnsafeMutablePointer<Float> {
    blocks[4].pointer + slot * update.inputShape.count
  }

  // MARK: - The known image

  /// Computes the known image, and fills all arenas with its values.
  ///
  /// - Parameters:
  ///   - image: `[1, H, W, C]`.
  ///   - output: Receives what is wanted of it.
  func prepare(_ image: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>) {
    let workspace = workspace(Exchange(given: [{ _, _ in }], results: [output]))
    let base = base(workspace)
    base.pointer(update.input).update(from: image, count: update.inputShape.count)
    let run = PlanRun(program: program, kernels: kernels, workspace: workspace, pool: pool)
    for phase in update.phases {
      for step in phase.steps { run.divide(step.step, base) }
    }
    let (lanes, threadSize) = (pool.workerCount, layout.arenaStride)
    pool.run(tasks: lanes + Update.chunk) { task, _ in
      if task < lanes {
        let context = workspace.context(lane: task, slot: 0, image: 0)
        context.arena.update(from: base.arena, count: threadSize)
      } else {
        let context = workspace.context(lane: 0, slot: task - lanes, image: 0)
        context.imageArena.update(from: base.imageArena, count: layout.imageArenaSize)
      }
    }
  }

  // MARK: - Changed images

  /// An image that is computed, and what of it is altered.
  private struct Change {
    let slot: Int
    let image: Int
    let altered: [Rectangle?]

    subscript(step: Update.PartialStep) -> Rectangle? { altered[step.step.value.index] }
  }

  /// Computes images, and leaves out those that differ from the known one in too much.
  ///
  /// - Parameters:
  ///   - images: The images, no more than a chunk.
  ///   - limit: The largest part of the update's operations that is computed here.
  ///   - known: What is wanted of the known image, for images that are the same.
  ///   - exchange: Composes the images and receives what is wanted.
  /// - Returns: The images that were left out.
  func execute(
    _ images: Range<Int>, limit: Double, known: [Float], _ exchange: Exchange
  ) -> [Int] {
    let workspace = workspace(exchange)
    let base = base(workspace)
    let rectangles = Mutex([Rectangle?](repeating: nil, count: images.count))
    pool.run(tasks: images.count) { slot, _ in
      exchange.given[0](images.lowerBound + slot, composed(slot))
      let part = difference(composed(slot), UnsafePointer(base.pointer(update.input)))
      rectangles.withLock { $0[slot] = part }
    }
    var (changes, far) = ([Change](), [Int]())
    for (slot, rectangle) in rectangles.withLock({ $0 }).enumerated() {
      let image = images.lowerBound + slot
      guard let rectangle else {
        known.withUnsafeBufferPointer { known in
          guard let source = known.baseAddress else { return }
          (exchange.results[0] + image * known.count).update(from: source, count: known.count)
        }
        continue
      }
      let altered = update.altered(by: rectangle)
      if update.share(of: altered) > limit {
        far.append(image)
      } else {
        changes.append(Change(slot: slot, image: image, altered: altered))
      }
    }
    if !changes.isEmpty { execute(changes, workspace, base) }
    return far
  }

  private func execute(_ changes: [Change], _ workspace: Workspace, _ base: Context) {
    for (position, phase) in update.phases.enumerated() {
      switch phase {
      case .image(let steps):
        pool.run(tasks: changes.count) { task, worker in
          let change = changes[task]
          let context = workspace.context(lane: worker, slot: change.slot, image: change.image)
          if position == 0 { load(change, context) }
          for step in steps {
            if let part = change[step] { step.execute(part, context, kernels) }
          }
          restore(steps, change, in: context, from: base, .thread)
          if position == 0, update.input.arena == .thread { unload(change, context, base) }
        }
      case .batch(let step, let kind):
        if let winograd = kind as? WinogradStep {
          let regions = changes.compactMap { change in
            change[step].map {
              (slot: change.slot, region: Region(rectangle: $0, width: step.whole.columns.count))
            }
          }
          WinogradBatch(winograd, images: Update.chunk)
            .execute(
              step.step, over: regions, workspace: workspace, kernels: kernels, pool: pool)
        } else {
          kind.execute(
            step.step, workspace: workspace, images: (changes.last?.slot ?? 0) + 1,
            kernels: kernels, pool: pool)
        }
      }
    }
    pool.run(tasks: changes.count) { task, worker in
      let change = changes[task]
      let context = workspace.context(lane: worker, slot: change.slot, image: change.image)
      for phase in update.phases {
        restore(phase.steps, change, in: context, from: base, .image)
      }
      if update.input.arena == .image { unload(change, context, base) }
    }
  }

  private func restore(
    _ steps: [Update.PartialStep], _ change: Change, in context: Context, from base: Context,
    _ arena: Place.Arena
  ) {
    for step in steps where step.step.output.arena == arena && !step.isStore {
      if let part = change[step] { step.restore(part, in: context, from: base) }
    }
  }

  // MARK: - The image itself

  private func load(_ change: Change, _ context: Context) {
    copy(change, UnsafePointer(composed(change.slot)), context.pointer(update.input))
  }

  private func unload(_ change: Change, _ context: Context, _ base: Context) {
    copy(change, UnsafePointer(base.pointer(update.input)), context.pointer(update.input))
  }

  private func copy(
    _ change: Change, _ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>
  ) {
    let (width, channels) = (update.inputShape[2], update.inputShape[3])
    guard let part = change.altered[update.inputIndex] else { return }
    Region(rectangle: part, width: width).forEachRun { pixels in
      let offset = pixels.lowerBound * channels
      (target + offset).update(from: source + offset, count: pixels.count * channels)
    }
  }

  /// The smallest rectangle that holds all pixels in which two images differ, bit by bit; `nil`
  /// where they do not.
  private func difference(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>
  ) -> Rectangle? {
    let (height, width, channels) = (
      update.inputShape[1], update.inputShape[2], update.inputShape[3]
    )
    let row = width * channels
    var (rows, columns): (Range<Int>?, Range<Int>) = (nil, width..<width)
    for y in 0..<height {
      let (x, z) = (a + y * row, b + y * row)
      guard let first = firstDifference(x, z, row) else { continue }
      var last = row - 1
      while x[last].bitPattern == z[last].bitPattern { last -= 1 }
      let (left, right) = (first / channels, last / channels + 1)
      columns =
        rows == nil
        ? left..<right : min(columns.lowerBound, left)..<max(columns.upperBound, right)
      rows = (rows?.lowerBound ?? y)..<(y + 1)
    }
    return rows.map { Rectangle(rows: $0, columns: columns) }
  }

  /// The first number that differs.
  private func firstDifference(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int
  ) -> Int? {
    // In blocks, whose bits are compared at once.
    var start = 0
    while start < count {
      let end = min(start + 64, count)
      var difference: UInt32 = 0
      for i in start..<end { difference |= a[i].bitPattern ^ b[i].bitPattern }
      if difference != 0 {
        return (start..<end).first { a[$0].bitPattern != b[$0].bitPattern }
      }
      start = end
    }
    return nil
  }
}
