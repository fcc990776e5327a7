internal import PrismAutodiff
internal import PrismKernels

/// One operation of a plan, with everything it needs but the memory.
struct Step: Sendable {
  /// How it is computed.
  let kind: any StepKind
  /// The value that is computed.
  let value: ValueID
  let input: Place
  let output: Place
  /// What is read besides the input, in the order that the kind wants.
  var others: [Place] = []
  /// What a joined step consists of.
  var links: [Step] = []
  /// The packed weights of a convolution.
  var weights: FloatBlock?
  var head = Head<Place>.none
  var tail = Tail<Place>()
  /// Where the step's sums begin, in those of a group of images.
  var sumOffset = 0

  /// Into how many parts the step of a single image is divided for a number of threads.
  func parts(_ workers: Int) -> Int { max(1, min(workers, kind.divisions(of: self))) }

  /// What is done to sums, with the memory it needs.
  func epilogue(_ context: Context) -> Epilogue {
    var epilogue = tail.activation.epilogue
    if let residual = tail.residual {
      epilogue.residual = UnsafePointer(context.pointer(residual))
      epilogue.residualStride = residual.stride
      epilogue.residualAfterActivation = tail.addsAfterFunction
    }
    if let gate = tail.gate {
      epilogue.gate = Gate(
        values: UnsafeRawPointer(context.pointer(gate.values)), stride: gate.values.stride,
        slope: gate.slope, scale: gate.affine.map { UnsafePointer($0.scale.pointer) },
        shift: gate.affine.map { UnsafePointer($0.shift.pointer) }, isGuided: gate.isGuided)
    }
    if let activity = tail.activity {
      epilogue.keep = Keep(
        bits: UnsafeMutableRawPointer(context.pointer(activity)), stride: activity.stride,
        isBounded: epilogue.high == 6)
    }
    return epilogue
  }

  /// What is done to the input, with the memory it needs.
  func prologue(_ context: Context) -> Prologue {
    switch head {
    case .none: Prologue()
    case .affine(let scale, let shift, let relu):
      Prologue(
        scale: UnsafePointer(scale.pointer), shift: UnsafePointer(shift.pointer), relu: relu)
    case .gate(let place): Prologue(scale: UnsafePointer(context.pointer(place)))
    }
  }

  /// The job of a convolution over all its output.
  func convolutionJob(_ shape: ConvolutionShape, _ context: Context) -> ConvolutionJob? {
    guard let weights else { return nil }
    return ConvolutionJob(
      shape: shape, input: context.pointer(input), inputStride: input.stride,
      weights: weights.pointer, output: context.pointer(output), outputStride: output.stride,
      epilogue: epilogue(context), prologue: prologue(context), scratch: context.scratch)
  }

  /// The job of a pooling over all its output, which reads no weights.
  func poolJob(_ shape: ConvolutionShape, _ context: Context) -> ConvolutionJob {
    ConvolutionJob(
      shape: shape, input: context.pointer(input), inputStride: input.stride,
      weights: context.pointer(input), output: context.pointer(output),
      outputStride: output.stride)
  }
}

/// One of equal parts of a step, which one thread computes.
struct Part {
  /// All of a step.
  static let whole = Part(index: 0, count: 1)

  let index: Int
  let count: Int

  /// The part's share of a number of things.
  func range(of length: Int) -> Range<Int> {
    (length * index / count)..<(length * (index + 1) / count)
  }
}
