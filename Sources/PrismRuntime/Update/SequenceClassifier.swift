internal import PrismAutodiff
internal import PrismKernels
public import PrismTensor
internal import Synchronization

/// A classifier for a sequence of images of which each differs from the one before in a part: it
/// computes what the part reaches, and its logits have the bits of whole passes.
///
/// The values of one image are kept. Those that follow are computed several at a time, each from the
/// one before, step by step; then the last of them is kept. Images that differ in too much are
/// computed whole, or become the image that is kept. Calls take turns.
public final class SequenceClassifier: Classifier {
  private struct State {
    let run: UpdateRun
    /// Whether an image's values are kept.
    var isFilled = false
    var tally = UpdateTally()
  }

  private let update: Update
  private let rest: Plan
  private let whole: Plan
  private let limit: Double
  private let continues: Bool
  private let state: Mutex<State>
  /// The bytes of the values that are kept and computed.
  package let byteCount: Int

  /// The shape of one image, `[1, H, W, C]`.
  public var inputShape: Shape { update.inputShape }

  /// What has been computed of what whole passes compute.
  package var tally: UpdateTally { state.withLock { $0.tally } }

  /// Takes the memory.
  ///
  /// - Parameters:
  ///   - update: How images are computed at first.
  ///   - rest: The plan from where the update ends.
  ///   - whole: The plan of the same recording, for images that differ in too much.
  ///   - chunk: The most images that are computed at a time.
  ///   - limit: The largest part of the update's operations that is computed for an image.
  ///   - continues: Whether the next call goes on from the last image of a call.
  ///   - memory: Where memory is taken from.
  ///   - pool: The threads.
  /// - Throws: `OutOfMemoryError`.
  init(
    update: Update, rest: Plan, whole: Plan, chunk: Int,
    limit: Double = NearbyClassifier.usualLimit, continues: Bool = false,
    memory: WorkspaceMemory = .shared, pool: WorkerPool = Workers.pool
  ) throws {
    self.update = update
    self.rest = rest
    self.whole = whole
    self.limit = limit
    self.continues = continues
    let run = try UpdateRun(
      update, pool: pool, chunk: chunk, keepsProducts: false, memory: memory)
    byteCount = run.byteCount
    state = Mutex(State(run: run))
  }

  deinit { state.withLock { $0.run }.giveBack() }

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
    var far: [Int] = []
    let middle = try state.withLock { state in
      try Memory.expecting(floats: shape.count) {
        SubnormalNumbers.flushing {
          Tensor.filling([shape]) { results in
            let exchange = Exchange(given: [compose], results: results)
            for first in stride(from: 0, to: count, by: state.run.chunk) {
              far += follow(first..<min(first + state.run.chunk, count), &state, exchange)
            }
            state.tally.add(count, far: far.count, rest: rest, whole: whole)
          }[0]
        }
      }
    }
    return try NearbyClassifier.finish(
      middle, far: far, count: count, rest: rest, whole: whole, compose)
  }

  /// Computes images, no more than a chunk.
  ///
  /// - Returns: The images that were left out.
  private func follow(
    _ images: Range<Int>, _ state: inout State, _ exchange: Exchange
  ) -> [Int] {
    let run = state.run
    run.compose(Array(images), exchange)
    let steps = steps(images.count, run, isFilled: state.isFilled)
    var (far, changes) = ([Int](), [UpdateRun.Change]())
    func go() {
      if !changes.isEmpty { run.follow(changes, exchange) }
      changes = []
    }
    for (slot, image) in images.enumerated() {
      if state.isFilled, let step = steps[slot] {
        if changes.count + max(step.count, 1) > run.chunk { go() }
        for (index, alteration) in step.enumerated() {
          changes.append(
            UpdateRun.Change(
              image, source: slot, alteration.altered, of: update,
              isWanted: index == step.count - 1))
          state.tally.add(alteration.share, of: update)
        }
        if step.isEmpty {
          changes.append(UpdateRun.Change(image, source: slot, update.unaltered, of: update))
        }
        continue
      }
      go()
      // The values are worth their time where the next image is near.
      state.isFilled = slot + 1 < images.count ? steps[slot + 1] != nil : continues
      if state.isFilled {
        run.prepare(run.composed(slot), image: image, exchange)
        state.tally.add(1, of: update)
      } else {
        far.append(image)
      }
    }
    go()
    return far
  }

  /// How every image is computed from the one before, and the first from that which is kept; `nil`
  /// where they differ in too much.
  private func steps(
    _ count: Int, _ run: UpdateRun, isFilled: Bool
  ) -> [[Update.Alteration]?] {
    let steps = Mutex([[Update.Alteration]?](repeating: nil, count: count))
    run.pool.run(tasks: count) { slot, _ in
      guard slot > 0 || isFilled else { return }
      let found = update.differences(
        run.composed(slot), slot > 0 ? UnsafePointer(run.composed(slot - 1)) : run.known())
      guard found.reduce(0, { $0 + $1.share }) <= limit, found.count <= run.chunk else { return }
      steps.withLock { $0[slot] = found }
    }
    return steps.withLock { $0 }
  }
}
