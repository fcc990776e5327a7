internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor

/// The walk back through operations, as work of kernels.
extension Fusion {
  /// How the walk back through a layer with weights is computed, to whose end activations and sums
  /// can be fused; `nil` where no such kernel suits it.
  mutating func fusedWork(
    of pullback: Pullback, _ operation: inout FusedOperation
  ) -> FusedOperation.Work? {
    let id = operation.output
    let operands = recording.operands(of: id)
    guard pullback.position == 0 else { return nil }
    switch pullback.base {
    case let convolution as Convolution
    where convolution.groups == 1 && canRun(convolution.window, id):
      operation.source = reversedSource(pullback, &operation)
      return convolutionWork(convolution.window, pullback)
    case let convolution as Convolution
    where convolution.groups > 1 && canRun(convolution.window, id):
      let shape = shape(convolution.window, of: pullback)
      guard shape.strideHeight == 1, shape.strideWidth == 1 else { return nil }
      operation.source = reversedSource(pullback, &operation)
      return .grouped(shape.reversed, groups: convolution.groups)
    case let convolution as DepthwiseConvolution where canRun(convolution.window, id):
      let shape = shape(convolution.window, of: pullback)
      guard isPerChannel(pullback), shape.strideHeight == shape.strideWidth else { return nil }
      operation.source = reversedSource(pullback, &operation)
      return .step(
        shape.strideHeight == 1
          ? DepthwiseStep(shape: shape.reversed) : DepthwisePullbackStep(shape: shape))
    case is PrismAutodiff.FullyConnected where !recording.isParameter(operands[0]):
      guard let weight = recording.parameter(operands[1]) else { return nil }
      return .step(FullyConnectedPullbackStep(weight: weight))
    default: return nil
    }
  }

  /// The walk back through a convolution without groups: the same kernels forward where they can,
  /// else products that are added up where windows overlap.
  private func convolutionWork(
    _ window: SlidingWindow, _ pullback: Pullback
  ) -> FusedOperation.Work {
    let shape = shape(window, of: pullback)
    let isSparse = shape.strideHeight > 1 || shape.strideWidth > 1
    if isSparse || (window.taps > 1 && shape.inputChannels < 8) {
      return .step(ScatterStep(shape: shape))
    }
    return .convolution(shape.reversed, isPointwise: window.isPointwise)
  }

  /// What a cotangent of a map is added to where that is all that is done with it, on walks back to
  /// parameters; the sum takes its place.
  private mutating func absorbSum(of operation: inout FusedOperation) -> ValueID? {
    let id = operation.output
    guard !summed.isEmpty, let next = soleUser(of: id), recording.primitive(of: next) is Add,
      !absorbed.contains(next), recording[id].shape.rank == 4
    else { return nil }
    let operands = recording.operands(of: next)
    guard operands[0] != operands[1], areComputed(operands),
      operands.allSatisfy({ recording[$0].shape == recording[next].shape }),
      let other = operands.first(where: { $0 != id })
    else { return nil }
    absorbed.insert(next)
    operation.output = next
    return other
  }

  /// How the walk back through other operations is computed; `nil` where no kernel suits it.
  mutating func singleWork(
    of pullback: Pullback, _ operation: inout FusedOperation
  ) -> FusedOperation.Work? {
    let id = operation.output
    let operands = recording.operands(of: id)
    let x = recording.operands(of: pullback.value)[pullback.position]
    switch pullback.base {
    case is BatchNormalization where isNormalizationPullback(id):
      guard let affine = ChannelAffine(pullback.value, in: recording) else { return nil }
      if let other = absorbSum(of: &operation) {
        operation.others = [other]
        return .step(AddScaledStep(scale: FloatBlock(rounding: affine.scale)))
      }
      operation.head = .factors(affine)
      return .step(ScaleShiftStep())
    case is GlobalAveragePool: return .step(SpreadStep())
    case let pool as AdaptiveAveragePool where pool.height == 1 && pool.width == 1:
      return .step(SpreadStep())
    case let mean as Mean where isOverPixels(mean.axes, x): return .step(SpreadStep())
    case let pool as MaxPool where isPlain(pool.window) && areComputed(operands):
      operation.others = Array(operands.dropFirst())
      return .step(MaximumPoolPullbackStep(shape: shape(pool.window, of: pullback)))
    case let pool as AveragePool where isPlain(pool.window) && pool.uncounted == .init():
      return .step(
        AveragePoolPullbackStep(
          shape: shape(pool.window, of: pullback), countsPadding: pool.countsPadding))
    case is Multiply where areComputed(operands) && isGate(x, of: pullback.value):
      operation.others = [operands[1]]
      return .step(ChannelProductStep())
    default: return gateWork(&operation)
    }
  }

  /// How gradients by parameters are computed of which the sum over images is wanted; `nil` where
  /// no kernel suits them.
  func gradientWork(
    of pullback: Pullback, _ operation: inout FusedOperation
  ) -> FusedOperation.Work? {
    let id = operation.output
    let operands = recording.operands(of: id)
    guard summed.contains(id), pullback.position > 0, areComputed(Array(operands.prefix(2)))
    else { return nil }
    let isByChannels = [2, 4].contains(recording[operands[0]].shape.rank)
    switch (pullback.base, pullback.position) {
    case (let convolution as Convolution, 1)
    where convolution.groups == 1 && isPlain(convolution.window):
      operation.others = [operands[1]]
      return .step(WeightGradientStep(shape: shape(convolution.window, of: pullback)))
    case (let convolution as DepthwiseConvolution, 1)
    where isPlain(convolution.window) && isPerChannel(pullback):
      operation.others = [operands[1]]
      return .step(DepthwiseWeightGradientStep(shape: shape(convolution.window, of: pullback)))
    case (is any ConvolutionPrimitive, 2), (is PrismAutodiff.FullyConnected, 2),
      (is BatchNormalization, 2) where isByChannels:
      return .step(ChannelSumStep(shape: recording[id].shape))
    case (is BatchNormalization, 1) where isByChannels:
      guard let affine = ChannelAffine(pullback.value, in: recording),
        let mean = recording.parameter(operands[2])
      else { return nil }
      operation.others = [operands[1]]
      return .step(
        NormalizationGradientStep(
          mean: mean, factor: FloatBlock(rounding: affine.deviation.map { 1 / $0 })))
    default: return nil
    }
  }

  /// How the gradient by the weight of a convolution of a normalised and rectified value is
  /// computed.
  func gradientWork(
    of pullback: NormalizedWeightPullback, _ operation: inout FusedOperation
  ) -> FusedOperation.Work? {
    let operands = recording.operands(of: operation.output)
    guard summed.contains(operation.output), areComputed(Array(operands.prefix(2))),
      let affine = ChannelAffine(pullback.normalized, in: recording)
    else { return nil }
    operation.others = [operands[1]]
    operation.head = .normalization(affine, relu: true)
    return .step(
      WeightGradientStep(
        shape: shape(pullback.convolution.window, from: operands[1], to: pullback.value)))
  }

  /// The walk back through an activation by itself.
  func gateWork(_ operation: inout FusedOperation) -> FusedOperation.Work? {
    guard let gate = gate(operation.output) else { return nil }
    operation.tail.gate = gate
    return .step(FinishStep())
  }

  /// The walk back through an activation as the end of what computes the cotangent.
  func gate(_ id: ValueID) -> TailGate<ValueID>? {
    let operands = recording.operands(of: id)
    switch recording.primitive(of: id) {
    case let pullback as Pullback:
      guard let slope = Slope(pullback.base), areComputed(operands) else { return nil }
      return TailGate(values: operands[1], slope: slope, isGuided: pullback.isGuided)
    case let pullback as NormalizedReLUPullback:
      guard let affine = ChannelAffine(pullback.value, in: recording),
        areComputed(Array(operands.prefix(2)))
      else { return nil }
      return TailGate(
        values: operands[1], slope: .positive, isGuided: pullback.isGuided,
        affine: (FloatBlock(rounding: affine.scale), FloatBlock(rounding: affine.shift)))
    case let pullback as ActivityPullback:
      return TailGate(values: operands[1], slope: .bits, isGuided: pullback.isGuided)
    default: return nil
    }
  }

  /// The weights of a walk back, with the factors of normalisations on both sides where those are
  /// used nowhere else.
  private mutating func reversedSource(
    _ pullback: Pullback, _ operation: inout FusedOperation
  ) -> WeightSource {
    var folding: ValueID?
    let cotangent = operation.input
    if isNormalizationPullback(cotangent), soleUser(of: cotangent) != nil,
      !absorbed.contains(cotangent),
      let normalization = recording.primitive(of: cotangent) as? Pullback
    {
      absorbed.insert(cotangent)
      folding = normalization.value
      operation.input = recording.operands(of: cotangent)[0]
    }
    var before: ValueID?
    if let next = soleUser(of: operation.output), isNormalizationPullback(next),
      !absorbed.contains(next), let normalization = recording.primitive(of: next) as? Pullback
    {
      absorbed.insert(next)
      before = normalization.value
      operation.output = next
    }
    return WeightSource(
      convolution: pullback.value, folding: folding, isReversed: true, before: before)
  }

  /// Whether a value is the walk back through a batch normalisation with stored statistics, to what
  /// is normalised.
  private func isNormalizationPullback(_ id: ValueID) -> Bool {
    guard let pullback = recording.primitive(of: id) as? Pullback,
      pullback.base is BatchNormalization, pullback.position == 0
    else { return false }
    let operands = recording.operands(of: id)
    return !recording.isParameter(operands[0]) && areConstant(operands.dropFirst())
      && [2, 4].contains(recording[id].shape.rank)
  }

  /// Whether a value is one factor for every channel of a product.
  private func isGate(_ id: ValueID, of product: ValueID) -> Bool {
    let shape = recording[product].shape
    return shape.rank == 4 && recording[id].shape == [1, 1, 1, shape[3]]
      && recording[id].shape != shape
  }

  /// Whether a depthwise convolution has one output for every channel.
  private func isPerChannel(_ pullback: Pullback) -> Bool {
    let x = recording.operands(of: pullback.value)[0]
    return recording[x].shape[3] == recording[pullback.value].shape[3]
  }

  /// Whether values are all different and none is a tensor of the model.
  private func areComputed(_ ids: [ValueID]) -> Bool {
    Set(ids).count == ids.count && !ids.contains(where: recording.isParameter)
  }

  /// The sizes of an operation that slides a window, of which this is the walk back.
  private func shape(_ window: SlidingWindow, of pullback: Pullback) -> ConvolutionShape {
    shape(window, from: recording.operands(of: pullback.value)[0], to: pullback.value)
  }
}

extension ConvolutionShape {
  /// The sizes of the convolution that takes cotangents back through this one, which has no
  /// strides.
  fileprivate var reversed: ConvolutionShape {
    ConvolutionShape(
      inputHeight: outputHeight, inputWidth: outputWidth, inputChannels: outputChannels,
      outputChannels: inputChannels, kernelHeight: kernelHeight, kernelWidth: kernelWidth,
      strideHeight: 1, strideWidth: 1, paddingTop: kernelHeight - 1 - paddingTop,
      paddingLeft: kernelWidth - 1 - paddingLeft, paddingBottom: kernelHeight - 1 - paddingBottom,
      paddingRight: kernelWidth - 1 - paddingRight)
  }
}
