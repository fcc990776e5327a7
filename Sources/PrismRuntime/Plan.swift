public import PrismAutodiff
internal import PrismKernels
public import PrismTensor
internal import Synchronization

/// A recording of one image made ready to be run fast, many times.
///
/// Batch normalisation is folded into the convolutions, activations, residuals and gates are fused
/// into them, concatenations are written in place, weights are packed once, and all values of an
/// image share one arena by their lifetime. A batch runs depth first, one image a thread through
/// the whole network; a single image is divided by rows, tiles or panels. An image's results are
/// the same bits whatever the batch it is in, its place there, and the number of threads.
public final class Plan: Sendable {
  /// How much rounding is allowed for speed.
  public enum Precision: String, Sendable {
    /// Winograd's F(4×4, 3×3) where it is faster: its rounding errors are up to ten times those of
    /// the direct sum.
    case standard
    /// F(4×4, 3×3) at points whose rounding errors are half as large, for a few more products, and
    /// F(2×2, 3×3) where that is no slower.
    case careful
    /// F(2×2, 3×3) at most, whose rounding errors are those of the direct sum.
    case strict
  }

  /// The most images whose values between two batched operations exist at a time.
  static let chunk = 16
  /// The bytes of such values beyond which fewer images exist at a time, though no fewer than there
  /// are threads.
  private let mostImageBytes: Int

  /// The shape of one input, `[1, H, W, C]`.
  public let inputShape: Shape
  /// The shapes of the wanted values for one image.
  let shapes: [Shape]
  let program: Program
  /// The floating-point operations for one image, by definition.
  let flops: Double
  let kernels: Kernels
  private let input: ValueID
  private let memory: WorkspaceMemory

  /// Makes a plan.
  ///
  /// - Parameters:
  ///   - recording: The forward pass of one image, with one input.
  ///   - wanted: The values to compute; the recording's outputs unless given. Only what they need
  ///     is computed.
  ///   - precision: How much rounding is allowed for speed.
  ///   - weights: Shared between plans of the same recording, so that nothing is packed twice.
  /// - Throws: `InstructionSetError` where the environment demands an instruction set that is not
  ///   there; `EvaluationError` where the recording has not one input; `OutOfMemoryError` where
  ///   there is no room for the packed weights.
  public convenience init(
    _ recording: Recording, wanted: [ValueID]? = nil, precision: Precision = .standard,
    weights: PackedWeights = PackedWeights()
  ) throws {
    guard recording.inputs.count == 1 else {
      throw EvaluationError.wrongNumberOfInputs(expected: 1, given: recording.inputs.count)
    }
    try self.init(
      recording, wanted: wanted ?? recording.outputs, precision: precision, weights: weights,
      kernels: Kernels(try InstructionSet.select().get()))
  }

  /// Makes a plan for a stated set of kernels and a stated store of memory, that begins with the
  /// recording's input or at a value that all paths from there lead through.
  convenience init(
    _ recording: Recording, from start: ValueID? = nil, wanted: [ValueID], precision: Precision,
    weights: PackedWeights, kernels: Kernels, memory: WorkspaceMemory = .shared
  ) throws {
    try self.init(
      recording, given: [start ?? recording.inputs[0]], wanted: wanted, precision: precision,
      weights: weights, kernels: kernels, memory: memory)
  }

  /// Makes a plan that begins at several values that all paths from the recording's inputs lead
  /// through.
  ///
  /// - Parameters:
  ///   - recording: The forward pass of one image.
  ///   - given: The values to begin at, at least one.
  ///   - wanted: The values to compute.
  ///   - precision: How much rounding is allowed for speed.
  ///   - weights: Shared between plans of recordings whose values have the same identifiers.
  ///   - kernels: What computes.
  ///   - summed: Values of which only the sums over groups of images are wanted.
  ///   - meeting: The given value that depends on what is stored of all images.
  ///   - mostImageBytes: The bytes of values between batched operations beyond which fewer images
  ///     exist at a time.
  ///   - memory: Where the plan computes.
  /// - Throws: `OutOfMemoryError` where there is no room for the packed weights.
  init(
    _ recording: Recording, given: [ValueID], wanted: [ValueID], precision: Precision,
    weights: PackedWeights, kernels: Kernels, summed: [ValueID] = [], meeting: ValueID? = nil,
    mostImageBytes: Int = .max, memory: WorkspaceMemory = .shared
  ) throws {
    input = given[0]
    inputShape = recording[input].shape
    shapes = wanted.map { recording[$0].shape }
    self.kernels = kernels
    self.mostImageBytes = mostImageBytes
    self.memory = memory
    program = try Compiler(
      recording: recording, given: given, precision: precision, kernels: kernels,
      weights: weights, summed: summed, meeting: meeting
    ).program(for: wanted)
    flops = program.steps.reduce(0) { $0 + Double($1.kind.flops(of: $1)) }
  }

  /// Computes the wanted values of a batch.
  ///
  /// - Parameter images: `[N, H, W, C]`.
  /// - Returns: The wanted values, each with N in place of its first extent.
  /// - Throws: `EvaluationError` where the images do not have the recorded shape;
  ///   `OutOfMemoryError`.
  public func callAsFunction(_ images: Tensor) throws -> [Tensor] {
    let expected = inputShape.replacing(
      axis: 0, with: max(1, images.shape.rank > 0 ? images.shape[0] : 1))
    guard images.shape == expected else {
      throw EvaluationError.misshapen(input, expected: expected, given: images.shape)
    }
    let size = inputShape.count
    return try images.withUnsafePointer { source in
      let base = Source(pointer: source)
      return try run(count: images.shape[0]) { index, target in
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
  ///   - compose: Writes the image with an index, `[H, W, C]`, all of it; called from any thread,
  ///     once an image.
  /// - Returns: The wanted values, each with `count` in place of its first extent.
  /// - Throws: `OutOfMemoryError`.
  public func run(
    count: Int, composing compose: (Int, UnsafeMutablePointer<Float>) -> Void
  ) throws -> [Tensor] {
    try run(count: count, on: Workers.pool, composing: compose)
  }

  /// The same on a stated pool of threads.
  func run(
    count: Int, on pool: WorkerPool, composing compose: (Int, UnsafeMutablePointer<Float>) -> Void
  ) throws -> [Tensor] {
    try withoutActuallyEscaping(compose) { try run(count: count, on: pool, giving: [$0]) }
  }

  /// Computes the wanted values of images of which several values are given.
  ///
  /// - Parameters:
  ///   - count: The number of images.
  ///   - pool: The threads.
  ///   - given: Write the given values of the image with an index, each all of it; called from any
  ///     thread, once an image.
  /// - Returns: The wanted values, each with `count` in place of its first extent.
  /// - Throws: `OutOfMemoryError`.
  func run(
    count: Int, on pool: WorkerPool, giving given: [(Int, UnsafeMutablePointer<Float>) -> Void]
  ) throws -> [Tensor] {
    let shapes = shapes.map { $0.replacing(axis: 0, with: count) }
    let size = shapes.reduce(program.tensorSize * pool.workerCount) { $0 + $1.count }
    let chunk = chunk(of: count, beside: size, workers: pool.workerCount)
    return try withBlocks(lanes: pool.workerCount, images: chunk) { blocks in
      try Memory.expecting(floats: size) {
        Tensor.filling(shapes) { results in
          let workspace = Workspace(
            exchange: Exchange(given: given, results: results), layout: program.layout,
            blocks: blocks)
          let run = PlanRun(program: program, kernels: kernels, workspace: workspace, pool: pool)
          for first in stride(from: 0, to: count, by: chunk) {
            run.execute(first..<min(first + chunk, count))
          }
        }
      }
    }
  }

  /// Computes the sums that the plan was made for, with the values of all images at a time.
  ///
  /// - Parameters:
  ///   - count: The number of images.
  ///   - groupSize: The images that one thread adds up in their order; the sums of groups are added
  ///     in the order of groups.
  ///   - pool: The threads.
  ///   - given: Write the given values, as for ``run(count:on:giving:)``; that for which images
  ///     meet is called by one thread for the images in their order, with the numbers that were
  ///     stored of the wanted values.
  /// - Returns: The sums by their values.
  /// - Throws: `OutOfMemoryError`.
  func sums(
    count: Int, groupSize: Int, on pool: WorkerPool,
    giving given: [(Int, UnsafeMutablePointer<Float>, [UnsafeMutablePointer<Float>]) -> Void]
  ) throws -> [ValueID: Tensor] {
    let groups = (count + groupSize - 1) / groupSize
    let size = program.sumSize
    let shapes = shapes.map { $0.replacing(axis: 0, with: count) }
    let sizes = Workspace.sizes(
      program.layout, lanes: pool.workerCount, images: count,
      shared: program.sharedSize(images: count))
    return try withBlocks(sizes + [groups * GroupSums.room(for: size)]) { blocks in
      let taken = program.tensorSize * pool.workerCount
      return try Memory.expecting(floats: shapes.reduce(taken + 2 * size) { $0 + $1.count }) {
        let sums = GroupSums(groupSize: groupSize, size: size, block: blocks[4])
        _ = Tensor.filling(shapes) { results in
          let workspace = Workspace(
            exchange: Exchange(
              given: given.map { give in { give($0, $1, results) } }, results: results),
            layout: program.layout, blocks: Array(blocks[..<4]), sums: sums)
          PlanRun(program: program, kernels: kernels, workspace: workspace, pool: pool)
            .execute(groups: sums.groups(count))
        }
        return try total((0..<groups).map { UnsafePointer(sums.pointer(ofGroup: $0)) }, on: pool)
      }
    }
  }

  /// The sums of all groups, added in the order of groups.
  private func total(
    _ groups: [UnsafePointer<Float>], on pool: WorkerPool
  ) throws -> [ValueID: Tensor] {
    // What is large first, so that threads end together.
    let values = program.sums.sorted {
      ($1.value.layout.size, $0.key) < ($0.value.layout.size, $1.key)
    }
    let tensors = try pool.map(values.count) { index in
      let (offset, layout) = values[index].value
      return layout.tensor(groups.map { $0 + offset })
    }
    return Dictionary(uniqueKeysWithValues: zip(values.map(\.key), tensors))
  }

  /// The most images whose values exist at a time.
  private func chunk(workers: Int) -> Int {
    let bytes = max(1, program.layout.imageArenaStride * MemoryLayout<Float>.stride)
    let fitting = mostImageBytes / bytes
    // Each thread has images of its own.
    let most = max(workers, Self.chunk / workers * workers)
    return fitting < most ? max(fitting / workers * workers, workers) : most
  }

  /// The images of a call whose values exist at a time: fewer where the task may not take so much.
  ///
  /// - Parameters:
  ///   - count: The images of the call.
  ///   - size: The floats that the call takes beside its workspace.
  ///   - workers: The number of threads.
  /// - Returns: At least 1.
  private func chunk(of count: Int, beside size: Int, workers: Int) -> Int {
    var images = max(1, min(count, chunk(workers: workers)))
    guard let budget = MemoryBudget.current else { return images }
    let room = budget.bytesLeft - size * MemoryLayout<Float>.stride
    while images > 1, workspaceSize(images: images, threads: workers) > room {
      images = images > workers ? (images - 1) / workers * workers : images - 1
    }
    return images
  }

  /// Computes in memory that is given back afterwards, with subnormal numbers taken as zero.
  func withBlocks<Result>(
    lanes: Int, images: Int, _ body: ([FloatBlock]) throws -> Result
  ) throws -> Result {
    try withBlocks(
      Workspace.sizes(
        program.layout, lanes: lanes, images: images, shared: program.sharedSize(images: images)),
      body)
  }

  private func withBlocks<Result>(
    _ sizes: [Int], _ body: ([FloatBlock]) throws -> Result
  ) throws -> Result {
    let blocks = try memory.take(sizes)
    defer { memory.give(blocks) }
    let budget = MemoryBudget.current
    // What was asked for: a block that is used again may be larger, and was there before.
    let bytes = sizes.reduce(0, +) * MemoryLayout<Float>.stride
    try budget?.admit(bytes)
    defer { budget?.gave(bytes) }
    return try SubnormalNumbers.flushing { try body(blocks) }
  }

  /// The bytes in which a call computes, beside weights and results.
  ///
  /// - Parameters:
  ///   - images: The number of images of the call.
  ///   - threads: The number of threads that compute.
  /// - Returns: The size of the arenas and of the scratch memory.
  public func workspaceSize(images: Int, threads: Int) -> Int {
    let images = min(images, chunk(workers: threads))
    let sizes = Workspace.sizes(
      program.layout, lanes: threads, images: images, shared: program.sharedSize(images: images))
    return sizes.reduce(0, +) * MemoryLayout<Float>.stride
  }

  /// Gives back the memory that plans keep for their next calls; those take memory anew.
  public func releaseMemory() { memory.release() }
}

extension Tensor {
  /// Tensors of the given shapes, all of whose numbers a closure writes.
  static func filling(
    _ shapes: [Shape], _ body: ([UnsafeMutablePointer<Float>]) -> Void
  ) -> [Tensor] {
    func filled(
      _ shapes: ArraySlice<Shape>, _ pointers: [UnsafeMutablePointer<Float>]
    ) -> [Tensor] {
      guard let shape = shapes.first else {
        body(pointers)
        return []
      }
      // The others are written while this one's memory is open.
      var others: [Tensor] = []
      let first = Tensor(uninitialized: shape) { pointer in
        others = filled(shapes.dropFirst(), pointers + [pointer])
      }
      return [first] + others
    }
    return filled(shapes[...], [])
  }
}
