internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor
internal import Synchronization

/// How a convolution is computed.
enum ConvolutionAlgorithm: Hashable {
  case pointwise, direct, depthwise
  /// Winograd's F(m×m, 3×3).
  case winograd(m: Int)
}

/// The weights of convolutions as kernels want them, shared by all plans of one recording.
public final class PackedWeights: Sendable {
  /// What distinguishes two packings of weights.
  struct Key: Hashable {
    let convolution: ValueID
    let folding: ValueID?
    let algorithm: ConvolutionAlgorithm
  }

  // Blocks are here once they are filled, never before.
  private let blocks = Mutex<[Key: FloatBlock]>([:])
  // Held while blocks are filled: whoever needs the same waits, and what is packed is packed once.
  private let packing = Mutex(())
  private let didPack: @Sendable (_ names: [String]) -> Void

  /// Makes a store without weights.
  ///
  /// - Parameter didPack: Is told the names of parameters that plans do not read again, after each packing.
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
  func pack(_ jobs: [PackJob], recording: Recording, kernels: Kernels, pool: WorkerPool) {
    let packed = packing.withLock { _ in
      let missing = jobs.filter { self[$0.key] == nil }
      guard !missing.isEmpty else { return missing }
      let filled = fill(missing, recording: recording, kernels: kernels, pool: pool)
      blocks.withLock { $0.merge(filled) { first, _ in first } }
      return missing
    }
    guard !packed.isEmpty else { return }
    let names = recording.parameterNames
    didPack(packed.compactMap { names[recording.operands(of: $0.key.convolution)[1]] })
  }

  /// One task of packing.
  private struct Share {
    let job: PackJob
    /// What several tasks of a job share; elsewhere the task folds the weights itself, and their memory is used again.
    let weights: FoldedWeights?
    let block: FloatBlock
    let panels: Range<Int>
  }

  /// The packed weights of some jobs, in one block of memory: few and large pages.
  private func fill(
    _ jobs: [PackJob], recording: Recording, kernels: Kernels, pool: WorkerPool
  ) -> [Key: FloatBlock] {
    let sizes = jobs.map { ArenaLayout.aligned($0.size(kernels)) }
    let whole = FloatBlock(count: sizes.reduce(0, +))
    var filled: [Key: FloatBlock] = [:]
    // Several tasks a convolution where the packing can be divided: one network has layers of very different sizes.
    var shares: [Share] = []
    var offset = 0
    for (job, size) in zip(jobs, sizes) {
      let block = FloatBlock(whole, offset: offset, count: size)
      offset += size
      filled[job.key] = block
      guard case .winograd = job.key.algorithm else {
        shares.append(Share(job: job, weights: nil, block: block, panels: 0..<Int.max))
        continue
      }
      let weights = FoldedWeights(job.key, recording: recording)
      let panels = kernels.pointwisePanels(outputChannels: job.shape.outputChannels)
      let step = max(1, panels / 8)
      for start in stride(from: 0, to: panels, by: step) {
        shares.append(
          Share(
            job: job, weights: weights, block: block, panels: start..<min(start + step, panels)))
      }
    }
    pool.run(tasks: shares.count) { index, _ in
      let share = shares[index]
      let weights = share.weights ?? FoldedWeights(share.job.key, recording: recording)
      share.job.pack(weights, into: share.block, panels: share.panels, kernels: kernels)
    }
    return filled
  }
}

/// One packing that a plan needs.
struct PackJob {
  let key: PackedWeights.Key
  let shape: ConvolutionShape

  func size(_ kernels: Kernels) -> Int {
    switch key.algorithm {
    case .pointwise:
      kernels.pointwisePackedSize(
        inputChannels: shape.inputChannels, outputChannels: shape.outputChannels)
    case .direct: kernels.densePackedSize(shape)
    case .depthwise:
      kernels.depthwisePackedSize(
        channels: shape.outputChannels, kernelHeight: shape.kernelHeight,
        kernelWidth: shape.kernelWidth)
    case .winograd(let m):
      kernels.winogradPackedSize(
        inputChannels: shape.inputChannels, outputChannels: shape.outputChannels, m: m)
    }
  }

  func pack(
    _ folded: FoldedWeights, into block: FloatBlock, panels: Range<Int>, kernels: Kernels
  ) {
    let packed = block.pointer
    folded.weights.withUnsafePointer { weights in
      folded.bias.withUnsafePointer { bias in
        switch key.algorithm {
        case .pointwise:
          kernels.packPointwise(
            weights: weights, inputStep: 1, outputStep: shape.inputChannels, bias: bias,
            inputChannels: shape.inputChannels, outputChannels: shape.outputChannels, into: packed)
        case .direct: kernels.packDense(weights: weights, bias: bias, shape: shape, into: packed)
        case .depthwise:
          kernels.packDepthwise(
            weights: weights, bias: bias, channels: shape.outputChannels,
            kernelHeight: shape.kernelHeight, kernelWidth: shape.kernelWidth, into: packed)
        case .winograd(let m):
          kernels.packWinograd(
            weights: weights, bias: bias, inputChannels: shape.inputChannels,
            outputChannels: shape.outputChannels, m: m, panelStart: panels.lowerBound,
            panelEnd: panels.upperBound, into: packed)
        }
      }
    }
  }
}

/// A convolution's weight and bias with the batch normalisation after it multiplied in.
struct FoldedWeights {
  let weights: Tensor
  let bias: Tensor

  init(_ key: PackedWeights.Key, recording: Recording) {
    let operands = recording.operands(of: key.convolution)
    let weight = recording.parameter(operands[1]) ?? Tensor(0)
    let outputs = weight.shape[0]
    var bias = [Double](repeating: 0, count: outputs)
    if operands.count > 2, let given = recording.parameter(operands[2]) {
      bias = given.scalars.map(Double.init)
    }
    guard let folding = key.folding else {
      weights = weight
      self.bias = Tensor([outputs], bias.map { Float($0) })
      return
    }
    let affine = ChannelAffine(folding, recording: recording)
    let perOutput = weight.count / outputs
    weights = weight.withUnsafePointer { source in
      Tensor(uninitialized: weight.shape) { target in
        for o in 0..<outputs {
          let factor = affine.scale[o]
          let (row, folded) = (source + o * perOutput, target + o * perOutput)
          for i in 0..<perOutput { folded[i] = Float(Double(row[i]) * factor) }
        }
      }
    }
    self.bias = Tensor(
      [outputs], (0..<outputs).map { Float(bias[$0] * affine.scale[$0] + affine.shift[$0]) })
  }
}

/// A batch normalisation with constant statistics as one factor and one summand a channel.
struct ChannelAffine {
  let scale: [Double]
  let shift: [Double]

  init(_ normalization: ValueID, recording: Recording) {
    let parameters = recording.operands(of: normalization).dropFirst().map {
      recording.parameter($0)?.scalars.map(Double.init) ?? []
    }
    let epsilon =
      (recording.primitive(of: normalization) as? BatchNormalization).map { Double($0.epsilon) }
      ?? 0
    let (gamma, beta, mean, variance) = (
      parameters[0], parameters[1], parameters[2], parameters[3]
    )
    scale = gamma.indices.map { gamma[$0] / (variance[$0] + epsilon).squareRoot() }
    var shift: [Double] = []
    for c in gamma.indices { shift.append(beta[c] - mean[c] * scale[c]) }
    self.shift = shift
  }
}
