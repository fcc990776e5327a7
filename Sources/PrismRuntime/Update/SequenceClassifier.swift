internal import PrismAutodiff
internal import PrismKernels
public import PrismTensor
internal import Synchronization

/// A classifier for a sequence of images of which each differs from the one before in a part: it
/// computes what the part reaches, and its logits have the bits of whole passes.
///
/// Each thread follows a stretch of every batch with the values of one image, which become those of
/// the next. Images that differ in too much are computed whole. Calls take turns.
public final class SequenceClassifier: Classifier {
  private let update: Update
  private let rest: Plan
  private let whole: Plan
  private let limit: Double
  private let pool: WorkerPool
  /// The arenas and scratch memories, and at the end the composed images.
  private let blocks: [FloatBlock]
  /// Which threads have the values of an image.
  private let areFilled: Mutex<[Bool]>
  private let memory: WorkspaceMemory
  private let budget: MemoryBudget?

  /// The shape of one image, `[1, H, W, C]`.
  public var inputShape: Shape { update.inputShape }

  /// Takes the memory.
  ///
  /// - Parameters:
  ///   - update: How images are computed at first.
  ///   - rest: The plan from where the update ends.
  ///   - whole: The plan of the same recording, for images that differ in too much.
  ///   - limit: The largest part of the update's operations that is computed for an image.
  ///   - memory: Where memory is taken from.
  ///   - pool: The threads.
  /// - Throws: `OutOfMemoryError`.
  init(
    update: Update, rest: Plan, whole: Plan, limit: Double = NearbyClassifier.usualLimit,
    memory: WorkspaceMemory = .shared, pool: WorkerPool = Workers.pool
  ) throws {
    self.update = update
    self.rest = rest
    self.whole = whole
    self.limit = limit
    self.memory = memory
    self.pool = pool
    blocks = try memory.take(Self.sizes(of: update, threads: pool.workerCount))
    areFilled = Mutex([Bool](repeating: false, count: pool.workerCount))
    budget = MemoryBudget.current
    do {
      try budget?.admit(Self.size(of: update, threads: pool.workerCount))
    } catch {
      memory.give(blocks)
      throw error
    }
  }

  deinit {
    budget?.gave(Self.size(of: update, threads: pool.workerCount))
    memory.give(blocks)
  }

  private var images: FloatBlock { blocks[blocks.count - 1] }

  /// The floats of the arenas and scratch memories, and of two composed images a thread.
  private static func sizes(of update: Update, threads: Int) -> [Int] {
    Workspace.sizes(update.program.layout, lanes: threads, images: threads, shared: 0)
      + [2 * threads * update.inputShape.count]
  }

  /// The bytes that the values of images take.
  ///
  /// - Parameters:
  ///   - update: How images are computed.
  ///   - threads: The number of threads.
  /// - Returns: The size of all memory beside weights and results.
  static func size(of update: Update, threads: Int) -> Int {
    sizes(of: update, threads: threads).reduce(0, +) * MemoryLayout<Float>.stride
  }

  /// The logits of a batch of images, `[N, H, W, C]` to `[N, K]`.
  ///
  /// - Throws: `EvaluationError` where the images have another shape; `OutOfMemoryError`.
  public func logits(_ images: Tensor) throws -> Tensor {
    try composed(images, whole: whole)
  }

  /// The logits of a batch of images that are composed one by one, `[count, K]`.
  ///
  /// - Throws: `OutOfMemoryError`.
  public func logits(
    count: Int, composing compose: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
  ) throws -> Tensor {
    let shape = update.endShape.replacing(axis: 0, with: count)
    let far = Mutex([Int]())
    let middle = try areFilled.withLock { filled in
      try Memory.expecting(floats: shape.count) {
        let next = Mutex(filled)
        let result = SubnormalNumbers.flushing {
          Tensor.filling([shape]) { results in
            let workspace = Workspace(
              exchange: Exchange(given: [compose], results: results),
              layout: update.program.layout, blocks: Array(blocks.dropLast()))
            pool.run(tasks: pool.workerCount) { lane, _ in
              let stretch = Part(index: lane, count: pool.workerCount).range(of: count)
              let wasFilled = next.withLock { $0[lane] }
              let found = follow(stretch, lane: lane, isFilled: wasFilled, workspace)
              next.withLock { $0[lane] = found.isFilled }
              far.withLock { $0 += found.far }
            }
          }[0]
        }
        filled = next.withLock { $0 }
        return result
      }
    }
    let others = far.withLock { $0.sorted() }
    return try NearbyClassifier.finish(
      middle, far: others, count: count, rest: rest, whole: whole, compose)
  }

  /// Computes images one after the other, each from the one before.
  ///
  /// - Returns: The images that were left out, and whether the thread has an image's values now.
  private func follow(
    _ images: Range<Int>, lane: Int, isFilled: Bool, _ workspace: Workspace
  ) -> (far: [Int], isFilled: Bool) {
    let size = inputShape.count
    var (far, isFilled) = ([Int](), isFilled)
    var current = self.images.pointer + 2 * lane * size
    var following = current + size
    guard let first = images.first else { return (far, isFilled) }
    workspace.exchange.given[0](first, current)
    for image in images {
      let context = workspace.context(lane: lane, slot: lane, image: image)
      let known = context.pointer(update.input)
      // What the next image needs; there is none after the last one.
      var step: Double?
      if image + 1 < images.upperBound {
        workspace.exchange.given[0](image + 1, following)
        step = share(between: following, and: current)
      }
      if isFilled, let rectangle = update.difference(current, known) {
        let altered = update.altered(by: rectangle)
        if update.share(of: altered) <= limit {
          known.update(from: current, count: size)
          for step in update.steps where !step.isStore {
            guard let part = altered[step.step.value.index] else { continue }
            step.execute(part, context, update.kernels)
          }
        } else {
          isFilled = false
        }
      }
      if !isFilled, let step, step <= limit {
        known.update(from: current, count: size)
        for step in update.steps where !step.isStore {
          step.execute(step.whole, context, update.kernels)
        }
        isFilled = true
      }
      if isFilled {
        for step in update.steps where step.isStore {
          step.execute(step.whole, context, update.kernels)
        }
      } else {
        far.append(image)
      }
      swap(&current, &following)
    }
    return (far, isFilled)
  }

  /// The part of all operations by which one image is computed from another.
  private func share(
    between first: UnsafePointer<Float>, and second: UnsafePointer<Float>
  ) -> Double {
    update.difference(first, second).map { update.share(of: update.altered(by: $0)) } ?? 0
  }
}
