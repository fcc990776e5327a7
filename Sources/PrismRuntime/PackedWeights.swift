internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor
internal import Synchronization

/// The weights of convolutions as kernels want them, shared by all plans of one recording.
public final class PackedWeights: Sendable {
  /// What distinguishes two packings of weights.
  struct Key: Hashable {
    let source: WeightSource
    /// The layout.
    let format: String
  }

  // Blocks are here once they are filled, never before.
  private let blocks = Mutex<[Key: FloatBlock]>([:])
  // Held while blocks are filled: whoever needs the same waits, and what is packed is packed once.
  private let packing = Mutex(())
  private let didPack: @Sendable (_ names: [String]) -> Void

  /// Makes a store without weights.
  ///
  /// - Parameter didPack: Is told the names of parameters that plans do not read again, after each
  ///   packing.
  public init(didPack: @escaping @Sendable (_ names: [String]) -> Void = { _ in }) {
    self.didPack = didPack
  }

  /// The number of bytes of all packed weights.
  public var byteCount: Int {
    blocks.withLock { $0.values.reduce(0) { $0 + $1.count } } * MemoryLayout<Float>.stride
  }

  subscript(key: Key) -> FloatBlock? {
    blocks.withLock { $0[key] }
  }

  /// Packs what is missing, on all threads; afterwards every job has its block.
  ///
  /// - Throws: `OutOfMemoryError` where there is not enough; nothing is packed then.
  func pack(_ jobs: [PackJob], recording: Recording, kernels: Kernels, pool: WorkerPool) throws {
    let packed = try packing.withLock { _ in
      let missing = jobs.filter { self[$0.key] == nil }
      guard !missing.isEmpty else { return missing }
      let filled = try fill(missing, recording: recording, kernels: kernels, pool: pool)
      blocks.withLock { $0.merge(filled) { first, _ in first } }
      return missing
    }
    guard !packed.isEmpty else { return }
    let names = recording.parameterNames
    didPack(packed.compactMap { names[recording.operands(of: $0.source.convolution)[1]] })
  }

  /// One task of packing.
  private struct Share {
    let job: PackJob
    /// What several tasks of a job share; elsewhere the task folds the weights itself, and their
    /// memory is used again.
    let weights: FoldedWeights?
    let block: FloatBlock
    let panels: Range<Int>
  }

  /// The packed weights of some jobs, in one block of memory: few and large pages.
  private func fill(
    _ jobs: [PackJob], recording: Recording, kernels: Kernels, pool: WorkerPool
  ) throws -> [Key: FloatBlock] {
    let sizes = jobs.map { ArenaLayout.aligned($0.kind.packedSize(kernels)) }
    let whole = try FloatBlock(asking: sizes.reduce(0, +))
    FloatMemory.touch(whole.pointer, count: whole.count, on: pool)
    var filled: [Key: FloatBlock] = [:]
    // Several tasks a convolution where the packing can be divided: one network has layers of very
    // different sizes.
    let panels = jobs.map { $0.kind.packingPanels(kernels) }
    let shared = try pool.map(jobs.count) { index in
      try panels[index] > 1 ? jobs[index].source.weights(in: recording) : nil
    }
    var shares: [Share] = []
    var offset = 0
    for (index, (job, size)) in zip(jobs, sizes).enumerated() {
      let block = FloatBlock(whole, offset: offset, count: size)
      offset += size
      filled[job.key] = block
      let panels = panels[index]
      guard panels > 1 else {
        shares.append(Share(job: job, weights: nil, block: block, panels: 0..<Int.max))
        continue
      }
      let step = max(1, panels / 8)
      for start in stride(from: 0, to: panels, by: step) {
        shares.append(
          Share(
            job: job, weights: shared[index], block: block,
            panels: start..<min(start + step, panels)))
      }
    }
    _ = try pool.map(shares.count) { index in
      let share = shares[index]
      let weights = try share.weights ?? share.job.source.weights(in: recording)
      share.job.pack(weights, into: share.block, panels: share.panels, kernels: kernels)
    }
    return filled
  }
}

/// One packing that a plan needs.
struct PackJob {
  let source: WeightSource
  let kind: any PackedStepKind

  /// What distinguishes it from others.
  var key: PackedWeights.Key { PackedWeights.Key(source: source, format: kind.format) }

  /// Packs some panels of folded weights.
  func pack(
    _ folded: FoldedWeights, into block: FloatBlock, panels: Range<Int>, kernels: Kernels
  ) {
    folded.weights.withUnsafePointer { weights in
      folded.bias.withUnsafePointer { bias in
        kind.pack(
          weights: weights, bias: bias, into: block.pointer, panels: panels, kernels: kernels)
      }
    }
  }
}

extension WeightSource {
  /// The weights with the normalisation multiplied in.
  fileprivate func weights(in recording: Recording) throws -> FoldedWeights {
    isReversed
      ? try FoldedWeights(
        reversing: convolution, normalization: folding, before: before, in: recording)
      : try FoldedWeights(convolution, normalization: folding, in: recording)
  }
}
