internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor
internal import Synchronization

/// The memory of a known image and of images that differ from it, and how those are computed.
///
/// The known image's values are kept whole. An image that differs is computed beside them: what it
/// alters, and around that what the next steps read.
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

  /// Computes the known image.
  ///
  /// - Parameters:
  ///   - image: `[1, H, W, C]`.
  ///   - output: Receives what is wanted of it.
  func prepare(_ image: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>) {
    let workspace = workspace(Exchange(given: [{ _, _ in }], results: [output]))
    let base = base(workspace)
    base.pointer(update.input).update(from: image, count: update.inputShape.count)
    let run = PlanRun(program: program, kernels: kernels, workspace: workspace, pool: pool)
    for step in update.steps { run.divide(step.step, base) }
  }

  // MARK: - Changed images

  /// An image that is computed.
  struct Change {
    /// Its index in the call.
    private(set) var image: Int
    /// What of it is altered, and what is read besides.
    let altered, needed: [Rectangle?]
    /// By what the image that it differs from differs from the known one: one after the other.
    let ancestors: [Difference]
    /// Where what is altered is kept.
    let kept: Difference?

    init(
      _ image: Int, _ altered: [Rectangle?], of update: Update, ancestors: [Difference] = [],
      keptIn kept: Difference? = nil
    ) {
      self.image = image
      self.altered = altered
      self.ancestors = ancestors
      self.kept = kept
      needed = update.needed(for: altered)
    }

    /// The same with another index.
    func placed(at image: Int) -> Change {
      var change = self
      change.image = image
      return change
    }
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
      let part = update.difference(composed(slot), UnsafePointer(base.pointer(update.input)))
      rectangles.withLock { $0[slot] = part }
    }
    var (changes, far) = ([(change: Change, slot: Int)](), [Int]())
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
        changes.append((Change(image, altered, of: update), slot))
      }
    }
    if !changes.isEmpty { execute(changes, workspace, base) }
    return far
  }

  /// Computes images of which is known what they alter.
  ///
  /// - Parameters:
  ///   - changes: The images, no more than a chunk.
  ///   - exchange: Composes the images and receives what is wanted.
  func execute(_ changes: [Change], _ exchange: Exchange) {
    let workspace = workspace(exchange)
    pool.run(tasks: changes.count) { slot, _ in
      exchange.given[0](changes[slot].image, composed(slot))
    }
    execute(changes.enumerated().map { ($1, $0) }, workspace, base(workspace))
  }

  private func execute(
    _ changes: [(change: Change, slot: Int)], _ workspace: Workspace, _ base: Context
  ) {
    for (position, phase) in update.phases.enumerated() {
      switch phase {
      case .image(let steps):
        pool.run(tasks: changes.count) { task, worker in
          let (change, slot) = changes[task]
          let context = workspace.context(lane: worker, slot: slot, image: change.image)
          if position == 0 { load(change, slot, context) }
          for step in steps {
            if let part = step.isStore ? step.whole : change.altered[step.step.value.index] {
              step.execute(part, context, kernels)
            }
            complete(step, change, context, base)
          }
          if let kept = change.kept {
            for step in steps { kept.keep(step, from: context) }
          }
        }
      case .batch(let step, let kind):
        execute(step, kind, changes, workspace)
        pool.run(tasks: changes.count) { task, worker in
          let (change, slot) = changes[task]
          let context = workspace.context(lane: worker, slot: slot, image: change.image)
          complete(step, change, context, base)
          change.kept?.keep(step, from: context)
        }
      }
    }
  }

  private func execute(
    _ step: Update.PartialStep, _ kind: any BatchedStepKind,
    _ changes: [(change: Change, slot: Int)], _ workspace: Workspace
  ) {
    guard let winograd = kind as? WinogradStep else {
      return kind.execute(
        step.step, workspace: workspace, images: (changes.last?.slot ?? 0) + 1,
        kernels: kernels, pool: pool)
    }
    let regions = changes.compactMap { change, slot in
      change.altered[step.step.value.index].map {
        (slot: slot, region: Region(rectangle: $0, width: step.whole.columns.count))
      }
    }
    WinogradBatch(winograd, images: Update.chunk)
      .execute(step.step, over: regions, workspace: workspace, kernels: kernels, pool: pool)
  }

  /// Fetches what is read around the altered part of what a step stores.
  private func complete(
    _ step: Update.PartialStep, _ change: Change, _ context: Context, _ base: Context
  ) {
    let index = step.step.value.index
    guard !step.isStore, let needed = change.needed[index] else { return }
    for part in needed.without(change.altered[index]) {
      // The last one that has all of it hides those before.
      let first = change.ancestors.lastIndex { $0.holds(part, of: step) }
      if first == nil { step.copy(part, from: base, to: context) }
      for ancestor in change.ancestors[(first ?? 0)...] {
        ancestor.copy(part, of: step, to: context)
      }
    }
  }

  private func load(_ change: Change, _ slot: Int, _ context: Context) {
    guard let part = change.needed[update.inputIndex] else { return }
    let (width, channels) = (update.inputShape[2], update.inputShape[3])
    let (source, target) = (composed(slot), context.pointer(update.input))
    Region(rectangle: part, width: width).forEachRun { pixels in
      let offset = pixels.lowerBound * channels
      (target + offset).update(from: source + offset, count: pixels.count * channels)
    }
  }
}

extension Update {
  /// The smallest rectangle that holds all pixels in which two images differ, bit by bit; `nil`
  /// where they do not.
  func difference(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>
  ) -> Rectangle? {
    let (height, width, channels) = (
      inputShape[1], inputShape[2], inputShape[3]
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
