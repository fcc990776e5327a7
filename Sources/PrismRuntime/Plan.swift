public import PrismAutodiff
internal import PrismKernels
public import PrismTensor
internal import Synchronization

/// A recording of one image made ready to be run fast, many times.
///
/// Batch normalisation is folded into the convolutions, activations, residuals and gates are fused into them,
/// concatenations are written in place, weights are packed once, and all values of an image share one arena by their
/// lifetime. A batch runs depth first, one image a thread through the whole network; a single image is divided by
/// rows, tiles or panels. An image's results are the same bits whatever the batch it is in, its place there, and the
/// number of threads.
public final class Plan: Sendable {
  /// How much rounding is allowed for speed.
  public enum Precision: Sendable {
    /// Winograd's F(4×4, 3×3) where it is faster: its rounding errors are up to ten times those of the direct sum.
    case standard
    /// F(2×2, 3×3) at most, whose rounding errors are those of the direct sum.
    case strict
  }

  /// The most images whose values between two batched operations exist at a time.
  static let chunk = 16

  /// The shape of one input, `[1, H, W, C]`.
  public let inputShape: Shape
  let program: Program
  let kernels: Kernels
  private let idle = Mutex<[Workspace]>([])

  /// Makes a plan.
  ///
  /// - Parameters:
  ///   - recording: The forward pass of one image, with one input.
  ///   - wanted: The values to compute; the recording's outputs unless given. Only what they need is computed.
  ///   - precision: How much rounding is allowed for speed.
  ///   - weights: Shared between plans of the same recording, so that nothing is packed twice.
  /// - Throws: `InstructionSetError` where the environment demands an instruction set that is not there.
  public convenience init(
    _ recording: Recording, wanted: [ValueID]? = nil, precision: Precision = .standard,
    weights: PackedWeights = PackedWeights()
  ) throws {
    self.init(
      recording, wanted: wanted ?? recording.outputs, precision: precision, weights: weights,
      kernels: Kernels(try InstructionSet.select().get()))
  }

  /// Makes a plan for a stated set of kernels.
  init(
    _ recording: Recording, wanted: [ValueID], precision: Precision, weights: PackedWeights,
    kernels: Kernels
  ) {
    inputShape = recording[recording.inputs[0]].shape
    self.kernels = kernels
    program =
      Compiler(
        recording, wanted: wanted, precision: precision, kernels: kernels, weights: weights
      ).program
  }

  /// Computes the wanted values of a batch.
  ///
  /// - Parameter images: `[N, H, W, C]`.
  /// - Returns: The wanted values, each with N in place of its first extent.
  /// - Throws: `EvaluationError` where the images do not have the recorded shape.
  public func callAsFunction(_ images: Tensor) throws(EvaluationError) -> [Tensor] {
    let expected = inputShape.replacing(
      axis: 0, with: max(1, images.shape.rank > 0 ? images.shape[0] : 1))
    guard images.shape == expected else {
      throw .misshapen(program.input, expected: expected, given: images.shape)
    }
    let size = inputShape.count
    return images.withUnsafePointer { source in
      let base = Source(pointer: source)
      return run(count: images.shape[0]) { index, target in
        target.update(from: base.pointer + index * size, count: size)
      }
    }
  }

  // Images that are only read while a call lasts.
  private struct Source: @unchecked Sendable {
    let pointer: UnsafePointer<Float>
  }

  /// Computes the wanted values of images that are composed one by one, straight into the arena.
  ///
  /// - Parameters:
  ///   - count: The number of images.
  ///   - compose: Writes the image with an index, `[H, W, C]`, all of it; called from any thread, once an image.
  /// - Returns: The wanted values, each with `count` in place of its first extent.
  public func run(
    count: Int, composing compose: (Int, UnsafeMutablePointer<Float>) -> Void
  ) -> [Tensor] {
    run(count: count, on: Workers.pool, composing: compose)
  }

  /// The same on a stated pool of threads.
  func run(
    count: Int, on pool: WorkerPool, composing compose: (Int, UnsafeMutablePointer<Float>) -> Void
  ) -> [Tensor] {
    let mode = SubnormalNumbers.flush()
    defer { SubnormalNumbers.restore(mode) }
    let workspace = takeWorkspace(lanes: pool.workerCount, images: min(count, Self.chunk))
    defer { idle.withLock { $0.append(workspace) } }
    var results = program.wanted.map { Tensor($0.shape.replacing(axis: 0, with: count)) }
    var targets: [UnsafeMutablePointer<Float>] = []
    for i in results.indices { results[i].withUnsafeMutablePointer { targets.append($0) } }

    for first in stride(from: 0, to: count, by: Self.chunk) {
      let length = min(Self.chunk, count - first)
      // Images that fill all threads evenly are not divided; the rest is.
      let whole = length / pool.workerCount * pool.workerCount
      for phase in program.phases {
        switch phase {
        case .image(let steps):
          pool.run(tasks: whole) { image, worker in
            let context = workspace.context(lane: worker, image: image)
            for step in steps.whole {
              execute(step, context, first + image, compose, targets, part: 0, of: 1)
            }
          }
          for image in whole..<length {
            divide(steps.divided, image, first + image, compose, targets, workspace, pool)
          }
        case .group(let steps):
          let share = whole / pool.workerCount
          pool.run(tasks: share > 0 ? pool.workerCount : 0) { group, worker in
            let images = (group * share)..<((group + 1) * share)
            let contexts = images.map { workspace.context(lane: worker, image: $0) }
            for step in steps.whole {
              for (image, context) in zip(images, contexts) {
                execute(step, context, first + image, compose, targets, part: 0, of: 1)
              }
            }
          }
          for image in whole..<length {
            divide(steps.divided, image, first + image, compose, targets, workspace, pool)
          }
        case .batch(let step):
          program.executeBatched(
            step, workspace: workspace, images: length, kernels: kernels, pool: pool)
        }
      }
    }
    return results
  }

  /// Takes one image through some steps, each divided among all threads.
  func divide(
    _ steps: [Step], _ slot: Int, _ image: Int,
    _ compose: (Int, UnsafeMutablePointer<Float>) -> Void,
    _ targets: [UnsafeMutablePointer<Float>], _ workspace: Workspace, _ pool: WorkerPool
  ) {
    let whole = workspace.context(lane: 0, image: slot)
    for step in steps {
      let parts = step.parts(pool.workerCount)
      if parts == 1 {
        execute(step, whole, image, compose, targets, part: 0, of: 1)
      } else {
        pool.run(tasks: parts) { part, worker in
          var context = whole
          context.scratch = workspace.scratch(worker)
          execute(step, context, image, compose, targets, part: part, of: parts)
        }
      }
    }
  }

  func execute(
    _ step: Step, _ context: Context, _ image: Int,
    _ compose: (Int, UnsafeMutablePointer<Float>) -> Void,
    _ targets: [UnsafeMutablePointer<Float>], part: Int, of parts: Int
  ) {
    switch step.work {
    case .load: compose(image, context.pointer(step.output))
    case .store(let index):
      let size = program.wanted[index].shape.count
      copyRows(
        context.pointer(step.input), stride: step.input.stride, to: targets[index] + image * size,
        stride: step.input.channels, rows: step.input.rows, channels: step.input.channels)
    default: step.execute(context, kernels, part: part, of: parts)
    }
  }

  /// The bytes in which a call computes, beside weights and results.
  ///
  /// - Parameters:
  ///   - images: The number of images of the call.
  ///   - threads: The number of threads that compute.
  /// - Returns: The size of the arenas and of the scratch memory.
  public func workspaceSize(images: Int, threads: Int) -> Int {
    let images = min(images, Self.chunk)
    let floats =
      threads * (program.arenaStride + program.scratchStride)
      + images * program.imageArenaStride + program.sharedSize(images: images)
    return floats * MemoryLayout<Float>.stride
  }

  /// Gives back the memory in which calls compute; the next call takes memory anew.
  public func releaseMemory() {
    idle.withLock { $0 = [] }
  }

  private func takeWorkspace(lanes: Int, images: Int) -> Workspace {
    let found = idle.withLock { idle -> Workspace? in
      guard let index = idle.firstIndex(where: { $0.lanes == lanes && $0.images >= images })
      else { return nil }
      return idle.remove(at: index)
    }
    if let found { return found }
    // Outgrown workspaces are given back, so that memory stays what the largest batch needs.
    idle.withLock { $0.removeAll { $0.lanes != lanes || $0.images < images } }
    return Workspace(program, lanes: lanes, images: images)
  }
}

/// The memory in which one call of a plan computes.
final class Workspace: Sendable {
  let lanes: Int
  let images: Int
  private let arenaStride: Int
  private let scratchStride: Int
  private let imageArenaStride: Int
  private let arenas: FloatBlock
  private let scratches: FloatBlock
  private let imageArenas: FloatBlock
  /// What batched operations share.
  let shared: FloatBlock

  init(_ program: Program, lanes: Int, images: Int) {
    self.lanes = lanes
    self.images = images
    arenaStride = program.arenaStride
    scratchStride = program.scratchStride
    imageArenaStride = program.imageArenaStride
    arenas = FloatBlock(count: arenaStride * lanes)
    scratches = FloatBlock(count: scratchStride * lanes)
    imageArenas = FloatBlock(count: imageArenaStride * images)
    shared = FloatBlock(count: program.sharedSize(images: images))
  }

  func context(lane: Int, image: Int) -> Context {
    Context(
      arena: arenas.pointer + lane * arenaStride, scratch: scratch(lane),
      imageArena: imageArenas.pointer + image * imageArenaStride)
  }

  func scratch(_ lane: Int) -> UnsafeMutablePointer<Float> {
    scratches.pointer + lane * scratchStride
  }
}

/// Where one image's values are while it is computed.
struct Context {
  let arena: UnsafeMutablePointer<Float>
  var scratch: UnsafeMutablePointer<Float>
  let imageArena: UnsafeMutablePointer<Float>

  /// The first number of a value.
  func pointer(_ place: Place) -> UnsafeMutablePointer<Float> {
    switch place.arena {
    case .thread: arena + place.offset
    case .image: imageArena + place.offset
    }
  }
}

/// Copies rows of numbers between two strides.
func copyRows(
  _ source: UnsafePointer<Float>, stride: Int, to target: UnsafeMutablePointer<Float>,
  stride targetStride: Int, rows: Int, channels: Int
) {
  if stride == channels && targetStride == channels {
    target.update(from: source, count: rows * channels)
  } else {
    for row in 0..<rows {
      (target + row * targetStride).update(from: source + row * stride, count: channels)
    }
  }
}
