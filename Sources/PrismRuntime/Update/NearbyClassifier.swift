internal import PrismAutodiff
internal import PrismKernels
public import PrismTensor
internal import Synchronization

/// A classifier for images that differ from a known one in a part: it computes what the part
/// reaches, and its logits have the bits of whole passes.
///
/// Images that differ in too much are computed whole. Calls take turns.
public final class NearbyClassifier: DescentClassifier {
  /// The largest part of all operations that is worth it to be computed by steps that are not
  /// joined.
  static let usualLimit = 0.7

  private struct State {
    var run: UpdateRun
    var known: [Float]
    var descent: Descent
    var tally = UpdateTally()
  }

  private let update: Update
  private let rest: Plan
  private let whole: Plan
  private let limit: Double
  private let state: Mutex<State>

  /// The shape of one image, `[1, H, W, C]`.
  public var inputShape: Shape { update.inputShape }

  /// Computes the known image.
  ///
  /// - Parameters:
  ///   - image: The known image, of the update's shape.
  ///   - update: How others are computed at first.
  ///   - rest: The plan from where the update ends.
  ///   - whole: The plan of the same recording, for images that differ in too much.
  ///   - chunk: The most images that are computed at a time.
  ///   - limit: The largest part of the update's operations that is computed for an image.
  ///   - descentLimit: The most bytes in which images are kept that others descend from.
  ///   - memory: Where memory is taken from.
  ///   - pool: The threads.
  /// - Throws: `OutOfMemoryError`.
  init(
    near image: Tensor, update: Update, rest: Plan, whole: Plan, chunk: Int,
    limit: Double = usualLimit, descentLimit: Int = 0, memory: WorkspaceMemory = .shared,
    pool: WorkerPool = Workers.pool
  ) throws {
    self.update = update
    self.rest = rest
    self.whole = whole
    self.limit = limit
    let run = try UpdateRun(
      update, pool: pool, chunk: chunk, keepsProducts: true, memory: memory)
    let known = SubnormalNumbers.flushing {
      image.withUnsafePointer { image in
        [Float](unsafeUninitializedCapacity: update.endShape.count) { buffer, count in
          guard let target = buffer.baseAddress else { return }
          run.prepare(image, Exchange(given: [], results: [target]))
          count = update.endShape.count
        }
      }
    }
    state = Mutex(State(run: run, known: known, descent: Descent(limit: descentLimit)))
  }

  deinit { state.withLock { $0.run }.giveBack() }

  /// What has been computed of what whole passes compute.
  package var tally: UpdateTally { state.withLock { $0.tally } }

  /// The logits of a batch of images, `[N, H, W, C]` to `[N, K]`.
  ///
  /// - Throws: `EvaluationError` where the images have another shape; `OutOfMemoryError`.
  public func logits(_ images: Tensor) throws -> Tensor {
    try composed(images, whole: whole)
  }

  /// The logits of many images that are composed one by one, `[count, K]`.
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
              let done = state.run.execute(
                first..<min(first + state.run.chunk, count), limit: limit, known: state.known,
                exchange)
              far += done.far
              state.tally.add(done.share, of: update)
            }
            state.tally.add(count, far: far.count, rest: rest, whole: whole)
          }[0]
        }
      }
    }
    return try Self.finish(
      middle, far: far, count: count, rest: rest, whole: whole, compose)
  }

  /// The logits of images that descend from the known one, `[images.count, K]`.
  ///
  /// Images that others descend from are kept where they differ, in a bounded memory, and computed
  /// again where that is full.
  ///
  /// - Throws: `OutOfMemoryError`.
  public func logits(
    of images: Range<Int>, kinship: (Int) -> Kinship?,
    composing compose: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
  ) throws -> Tensor {
    let count = images.count
    let shape = update.endShape.replacing(axis: 0, with: count)
    var far: [Int] = []
    let middle = try state.withLock { state in
      try Memory.expecting(floats: shape.count) {
        SubnormalNumbers.flushing {
          let descendants = state.descent.changes(
            images, limit: limit, in: state.run, kinship: kinship, composing: compose)
          far = descendants.indices.filter { descendants[$0] == nil }
          let near = descendants.indices.filter { descendants[$0] != nil }
          state.tally.add(descendants.reduce(0) { $0 + ($1?.share ?? 0) }, of: update)
          state.tally.add(count, far: far.count, rest: rest, whole: whole)
          return Tensor.filling([shape]) { results in
            let exchange = Exchange(
              given: [{ compose(images.lowerBound + $0, $1) }], results: results)
            for first in stride(from: 0, to: near.count, by: state.run.chunk) {
              let some = near[first..<min(first + state.run.chunk, near.count)]
              state.run.compose(Array(some), exchange)
              state.run.execute(
                some.enumerated().compactMap { slot, image in
                  descendants[image].map {
                    UpdateRun.Change(
                      image, source: slot, $0.altered, of: update, ancestors: $0.ancestors,
                      keptIn: $0.kept)
                  }
                }, exchange)
            }
          }[0]
        }
      }
    }
    return try Self.finish(middle, far: far, count: count, rest: rest, whole: whole) {
      compose(images.lowerBound + $0, $1)
    }
  }

  /// Goes on from where the update ends, and computes whole what is too far.
  ///
  /// - Parameters:
  ///   - middle: The values where the update ends, one row an image.
  ///   - far: The images that are computed whole, in ascending order.
  ///   - count: The number of images.
  ///   - rest: The plan from where the update ends.
  ///   - whole: The plan of whole passes.
  ///   - compose: Writes the image with an index.
  /// - Returns: `[count, K]`.
  /// - Throws: `OutOfMemoryError`.
  static func finish(
    _ middle: Tensor, far: [Int], count: Int, rest: Plan, whole: Plan,
    _ compose: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
  ) throws -> Tensor {
    guard far.count < count else { return try whole.run(count: count, composing: compose)[0] }
    let isFar = Set(far)
    let near = (0..<count).filter { !isFar.contains($0) }
    let logits = try middle.withUnsafePointer { pointer in
      let values = Values(pointer: pointer, size: middle.count / count)
      return try rest.run(count: near.count) { values.copy(near[$0], to: $1) }[0]
    }
    guard !far.isEmpty else { return logits }
    let computed = try whole.run(count: far.count) { compose(far[$0], $1) }[0]
    return Self.merge((logits, near), (computed, far))
  }

  // Values that are only read while a call lasts.
  private struct Values: @unchecked Sendable {
    let pointer: UnsafePointer<Float>
    let size: Int

    func copy(_ index: Int, to target: UnsafeMutablePointer<Float>) {
      target.update(from: pointer + index * size, count: size)
    }
  }

  /// The rows of two tensors at their places.
  private static func merge(
    _ first: (rows: Tensor, places: [Int]), _ second: (rows: Tensor, places: [Int])
  ) -> Tensor {
    let count = first.places.count + second.places.count
    let size = first.rows.count / first.places.count
    return Tensor(uninitialized: first.rows.shape.replacing(axis: 0, with: count)) { target in
      for (rows, places) in [first, second] {
        rows.withUnsafePointer { rows in
          for (row, place) in places.enumerated() {
            (target + place * size).update(from: rows + row * size, count: size)
          }
        }
      }
    }
  }
}
