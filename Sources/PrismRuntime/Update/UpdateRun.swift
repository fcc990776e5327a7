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
  let pool: WorkerPool
  /// The most images that are computed at a time.
  let chunk: Int
  /// A workspace for as many images as are computed at a time, room for them as they are composed,
  /// the arenas of the known image, and the products of its convolutions where they are kept.
  let blocks: [FloatBlock]
  /// Where the products of steps lie, by the index of a value; empty where they are not kept.
  let products: [Int: Int]
  private let memory: WorkspaceMemory
  /// Counts the bytes that were asked for; blocks that are used again may be larger.
  private let budget: MemoryBudget?
  private let askedByteCount: Int

  /// Takes memory of the sizes that ``sizes(_:threads:chunk:keepsProducts:)`` says, to be given back
  /// by ``giveBack()``.
  ///
  /// - Throws: `OutOfMemoryError`; nothing is taken then.
  init(
    _ update: Update, pool: WorkerPool, chunk: Int, keepsProducts: Bool, memory: WorkspaceMemory
  ) throws {
    self.update = update
    self.pool = pool
    self.chunk = chunk
    products = keepsProducts ? update.keptProducts.offsets : [:]
    let sizes = Self.sizes(
      update, threads: pool.workerCount, chunk: chunk, keepsProducts: keepsProducts)
    askedByteCount = sizes.reduce(0, +) * MemoryLayout<Float>.stride
    blocks = try memory.take(sizes)
    self.memory = memory
    budget = MemoryBudget.current
    do {
      try budget?.admit(askedByteCount)
    } catch {
      memory.give(blocks)
      throw error
    }
  }

  /// Gives the memory back, which nobody may use any more.
  func giveBack() {
    budget?.gave(askedByteCount)
    memory.give(blocks)
  }

  /// The bytes of all blocks.
  var byteCount: Int { blocks.reduce(0) { $0 + $1.count } * MemoryLayout<Float>.stride }

  /// The floats of the blocks.
  private static func sizes(
    _ update: Update, threads: Int, chunk: Int, keepsProducts: Bool
  ) -> [Int] {
    let changed = Workspace.sizes(
      update.changed.layout, lanes: threads, images: chunk,
      shared: update.sharedSize(images: chunk))
    let known = Workspace.sizes(update.known.layout, lanes: 1, images: 1, shared: 0)
    return changed + [
      chunk * update.inputShape.count, known[0], known[2],
      keepsProducts ? update.keptProducts.size : 0,
    ]
  }

  /// The bytes of the blocks.
  static func size(
    _ update: Update, threads: Int, chunk: Int, keepsProducts: Bool
  ) -> Int {
    sizes(update, threads: threads, chunk: chunk, keepsProducts: keepsProducts).reduce(0, +)
      * MemoryLayout<Float>.stride
  }

  private var kernels: Kernels { update.kernels }

  private func workspace(_ exchange: Exchange) -> Workspace {
    Workspace(exchange: exchange, layout: update.changed.layout, blocks: Array(blocks.prefix(4)))
  }

  private func knownWorkspace(_ exchange: Exchange) -> Workspace {
    Workspace(
      exchange: exchange, layout: update.known.layout,
      blocks: [blocks[5], blocks[1], blocks[6], blocks[3]])
  }

  private func base(_ exchange: Exchange, image: Int = 0) -> Context {
    knownWorkspace(exchange).context(lane: 0, slot: 0, image: image)
  }

  /// The memory of an image as it is composed.
  func composed(_ slot: Int) -> UnsafeMutablePointer<Float> {
    blocks[4].pointer + slot * update.inputShape.count
  }

  /// Composes images, no more than a chunk.
  func compose(_ images: [Int], _ exchange: Exchange) {
    pool.run(tasks: images.count) { slot, _ in
      exchange.given[0](images[slot], composed(slot))
    }
  }

  // MARK: - The known image

  /// Computes the known image.
  ///
  /// - Parameters:
  ///   - source: `[1, H, W, C]`.
  ///   - image: Its index in the call.
  ///   - exchange: Receives what is wanted of it.
  func prepare(_ source: UnsafePointer<Float>, image: Int = 0, _ exchange: Exchange) {
    let workspace = knownWorkspace(exchange)
    let base = base(exchange, image: image)
    let run = PlanRun(program: update.known, kernels: kernels, workspace: workspace, pool: pool)
    for step in update.steps {
      if step.isLoad {
        base.pointer(step.known.output).update(from: source, count: update.inputShape.count)
      } else {
        run.divide(step.known, base)
      }
      if let kept = kept(step), let kind = step.step.kind as? WinogradStep {
        WinogradRegions(kind, images: chunk).keep(
          step.known, base, in: kept, workspace: workspace, kernels: kernels, pool: pool)
      }
    }
  }

  /// Where the products of a step are kept of the known image.
  private func kept(_ step: Update.PartialStep) -> UnsafeMutablePointer<Float>? {
    products[step.index].map { blocks[7].pointer + $0 }
  }

  /// The known image.
  func known() -> UnsafePointer<Float> {
    UnsafePointer(base(Exchange(given: [], results: [])).pointer(update.input))
  }

  // MARK: - Changed images

  /// An image that is computed.
  struct Change {
    /// Its index in the call.
    let image: Int
    /// Where it is composed.
    let source: Int
    /// What of it is altered, and what is read besides.
    let altered, needed: [Rectangle?]
    /// By what the image that it differs from differs from the known one: one after the other.
    let ancestors: [Difference]
    /// Where what is altered is kept.
    let kept: Difference?
    /// Whether the caller wants something of it.
    let isWanted: Bool

    init(
      _ image: Int, source: Int, _ altered: [Rectangle?], of update: Update,
      ancestors: [Difference] = [], keptIn kept: Difference? = nil, isWanted: Bool = true
    ) {
      self.image = image
      self.source = source
      self.altered = altered
      self.ancestors = ancestors
      self.kept = kept
      self.isWanted = isWanted
      needed = update.needed(for: altered, isWanted: isWanted)
    }
  }

  /// Computes images, and leaves out those that differ from the known one in too much.
  ///
  /// - Parameters:
  ///   - images: The images, no more than a chunk.
  ///   - limit: The largest part of the update's operations that is computed here.
  ///   - known: What is wanted of the known image, for images that are the same.
  ///   - exchange: Composes the images and receives what is wanted.
  /// - Returns: The images that were left out, and the sum of the parts that were computed.
  func execute(
    _ images: Range<Int>, limit: Double, known: [Float], _ exchange: Exchange
  ) -> (far: [Int], share: Double) {
    let original = self.known()
    let rectangles = Mutex([Rectangle?](repeating: nil, count: images.count))
    pool.run(tasks: images.count) { slot, _ in
      exchange.given[0](images.lowerBound + slot, composed(slot))
      let part = update.difference(composed(slot), original)
      rectangles.withLock { $0[slot] = part }
    }
    var (changes, far, sum) = ([Change](), [Int](), 0.0)
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
      let share = update.share(of: altered)
      if share > limit {
        far.append(image)
      } else {
        changes.append(Change(image, source: slot, altered, of: update))
        sum += share
      }
    }
    if !changes.isEmpty { execute(changes, exchange) }
    return (far, sum)
  }

  /// Computes images that have been composed and of which is known what they alter.
  ///
  /// - Parameters:
  ///   - changes: The images, no more than a chunk.
  ///   - exchange: Receives what is wanted.
  func execute(_ changes: [Change], _ exchange: Exchange) {
    let (workspace, base) = (workspace(exchange), base(exchange))
    // Without a meeting on the way a thread can use the same memory for all of its images.
    let staysOnThread = update.phases.count == 1
    func context(_ task: Int, _ worker: Int) -> Context {
      workspace.context(
        lane: worker, slot: staysOnThread ? worker : task, image: changes[task].image)
    }
    func complete(_ step: Update.PartialStep, _ change: Change, _ context: Context) {
      self.complete(step, change, context, base)
      change.kept?.keep(step, from: context)
    }
    for phase in update.phases {
      switch phase {
      case .image(let steps):
        pool.run(tasks: changes.count) { task, worker in
          let (change, context) = (changes[task], context(task, worker))
          for step in steps {
            compute(step, change, context)
            complete(step, change, context)
          }
        }
      case .batch(let step, let kind):
        execute(step, kind, changes, workspace, isChain: false)
        pool.run(tasks: changes.count) { task, worker in
          complete(step, changes[task], context(task, worker))
        }
      }
    }
  }

  /// Computes of a step what a change alters.
  private func compute(_ step: Update.PartialStep, _ change: Change, _ context: Context) {
    if step.isLoad {
      load(step, change, context)
    } else if step.isStore {
      if change.isWanted { step.execute(step.whole, context, kernels) }
    } else if let part = change.altered[step.index] {
      step.execute(part, context, kernels)
    }
  }

  private func execute(
    _ step: Update.PartialStep, _ kind: any BatchedStepKind, _ changes: [Change],
    _ workspace: Workspace, isChain: Bool
  ) {
    guard let winograd = kind as? WinogradStep else {
      return kind.execute(
        step.step, workspace: workspace, images: changes.count, kernels: kernels, pool: pool)
    }
    let areas = changes.enumerated().compactMap { slot, change in
      change.altered[step.index].map {
        WinogradRegions.Area(
          slot: slot, rectangle: $0,
          altered: change.ancestors.isEmpty && !isChain
            ? step.convolution.flatMap { change.altered[$0] } : nil)
      }
    }
    WinogradRegions(winograd, images: chunk).execute(
      step.step, over: areas, kept: kept(step), workspace: workspace, kernels: kernels, pool: pool)
  }

  /// Fetches what is read around the altered part of what a step stores.
  private func complete(
    _ step: Update.PartialStep, _ change: Change, _ context: Context, _ base: Context
  ) {
    guard !step.isStore, let needed = change.needed[step.index] else { return }
    for part in needed.without(change.altered[step.index]) {
      // Else it would be the known image's, whatever those between have there.
      assert(change.ancestors.isEmpty || update.readAround.contains(step.index))
      // The last one that has all of it hides those before.
      let first = change.ancestors.lastIndex { $0.holds(part, of: step) }
      if first == nil { step.copy(part, from: base, to: context) }
      for ancestor in change.ancestors[(first ?? 0)...] {
        ancestor.copy(part, of: step, to: context)
      }
    }
  }

  private func load(_ step: Update.PartialStep, _ change: Change, _ context: Context) {
    guard let part = change.altered[step.index] else { return }
    let channels = step.step.output.channels
    let (source, target) = (composed(change.source), context.pointer(step.step.output))
    step.forEachRun(of: part) { pixels in
      let offset = pixels.lowerBound * channels
      (target + offset).update(from: source + offset, count: pixels.count * channels)
    }
  }
}

// MARK: - Chains

extension UpdateRun {
  /// Computes images of which each differs from the one before, and the first from the known one;
  /// the last becomes the known one.
  ///
  /// All images go through a step before any goes through the next: what an image reads of those
  /// before it is there then. A single image is divided among the threads.
  ///
  /// - Parameters:
  ///   - changes: The images, no more than a chunk.
  ///   - exchange: Receives what is wanted.
  func follow(_ changes: [Change], _ exchange: Exchange) {
    let (workspace, base) = (workspace(exchange), base(exchange))
    func context(_ task: Int, _ worker: Int) -> Context {
      workspace.context(lane: worker, slot: task, image: changes[task].image)
    }
    func complete(_ step: Update.PartialStep, _ task: Int, _ worker: Int) {
      guard !step.isStore, let needed = changes[task].needed[step.index] else { return }
      for part in needed.without(changes[task].altered[step.index]) {
        assert(update.readAround.contains(step.index))
        // The last one that has all of it hides those before.
        let first = (0..<task).last { changes[$0].altered[step.index]?.holds(part) ?? false }
        if first == nil { step.copy(part, from: base, to: context(task, worker)) }
        for earlier in (first ?? 0)..<task {
          guard let common = changes[earlier].altered[step.index]?.intersection(part) else {
            continue
          }
          step.copy(common, between: context(earlier, worker), and: context(task, worker))
        }
      }
    }
    func advance(_ step: Update.PartialStep, _ worker: Int) {
      guard !step.isStore else { return }
      for step in update.takenOver[step.index] ?? [] {
        for (task, change) in changes.enumerated() {
          guard let part = change.altered[step.index] else { continue }
          step.copy(part, from: context(task, worker), back: base)
        }
      }
    }
    // The step whose surroundings are fetched next, and the one that the known image takes over.
    var (last, done): (Update.PartialStep?, Update.PartialStep?) = (nil, nil)
    func meet(_ compute: ((_ task: Int, _ worker: Int) -> Void)?) {
      let (step, finished) = (last, done)
      pool.run(tasks: changes.count + 1) { task, worker in
        guard task > 0 else {
          if let finished { advance(finished, worker) }
          return
        }
        if let step { complete(step, task - 1, worker) }
        compute?(task - 1, worker)
      }
      (last, done) = (nil, step)
    }
    // A single image is divided among the threads instead.
    let isAlone = changes.count == 1 && pool.workerCount > 1
    for phase in update.phases {
      switch phase {
      case .image(let steps):
        for step in steps {
          if isAlone {
            meet(nil)
            divide(step, changes[0], workspace)
          } else {
            meet { compute(step, changes[$0], context($0, $1)) }
          }
          last = step
        }
      case .batch(let step, let kind):
        meet(nil)
        execute(step, kind, changes, workspace, isChain: true)
        last = step
      }
    }
    meet(nil)
    meet(nil)
  }

  /// Computes of a step what an image alters, divided among all threads.
  private func divide(_ step: Update.PartialStep, _ change: Change, _ workspace: Workspace) {
    let context = workspace.context(lane: 0, slot: 0, image: change.image)
    guard !step.isLoad, !step.isStore, let part = change.altered[step.index] else {
      return compute(step, change, context)
    }
    let parts = step.parts(of: part, workers: pool.workerCount)
    guard parts.count > 1 else { return step.execute(part, context, kernels) }
    pool.run(tasks: parts.count) { index, worker in
      var context = context
      context.scratch = workspace.scratch(worker)
      step.execute(parts[index], context, kernels)
    }
  }
}
