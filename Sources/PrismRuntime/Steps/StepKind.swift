internal import PrismKernels

/// How one kind of step is computed: everything about it that does not depend on where values are.
///
/// Each kind has a file of its own with its sizes, its parts, its execution, its name and its cost;
/// nothing else knows what kinds there are but the pass that makes them.
protocol StepKind: Sendable {
  /// What the step does, with its sizes.
  func label(of step: Step) -> String

  /// The floating-point operations by definition, whatever the algorithm needs.
  func flops(of step: Step) -> Int

  /// Into how many parts the step of a single image can be divided; 1 where a division is not worth
  /// the wake-up of a thread.
  func divisions(of step: Step) -> Int

  /// The floats of scratch that a thread needs.
  func scratchSize(of step: Step, kernels: Kernels) -> Int

  /// The floats of tensors that a thread takes beside the arenas while it computes the step.
  func tensorSize(of step: Step) -> Int

  /// Computes one part of the step.
  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part)

  /// The steps instead of one where threads divide the work of a single image.
  func divided(_ step: Step) -> [Step]

  /// The kind as one that is computed for all images of a batch at once, where that is worth it.
  var batched: (any BatchedStepKind)? { get }
}

extension StepKind {
  func flops(of step: Step) -> Int { 0 }
  func scratchSize(of step: Step, kernels: Kernels) -> Int { 0 }
  func tensorSize(of step: Step) -> Int { 0 }
  func divided(_ step: Step) -> [Step] { [step] }
  var batched: (any BatchedStepKind)? { nil }

  /// The sizes of a step's input and output.
  func sizes(of step: Step) -> String {
    "\(step.input.rows)×\(step.input.channels) → \(step.output.rows)×\(step.output.channels)"
  }
}

/// A kind of step that reads its weights once for all images of a batch.
protocol BatchedStepKind: StepKind {
  /// Whether all of an image's input has been read before any of its output is written.
  var readsBeforeWriting: Bool { get }

  /// The floats that the threads share, for a number of images.
  func sharedSize(images: Int) -> Int

  /// Computes the step for all images of a chunk.
  func execute(
    _ step: Step, workspace: Workspace, images: Int, kernels: Kernels, pool: WorkerPool)
}

/// A kind of step whose weights are packed when the plan is made.
protocol PackedStepKind: StepKind {
  /// The name of the layout of packed weights.
  var format: String { get }

  /// The sizes of the convolution.
  var shape: ConvolutionShape { get }

  /// The floats of the packed weights.
  func packedSize(_ kernels: Kernels) -> Int

  /// Into how many panels the packing can be divided among threads; 1 where it cannot.
  func packingPanels(_ kernels: Kernels) -> Int

  /// Packs the weights, `[O, I, kH, kW]`, and the bias, `[O]`.
  ///
  /// - Parameters:
  ///   - weights: The weights.
  ///   - bias: The bias.
  ///   - packed: Receives them.
  ///   - panels: Which panels to pack; all are `0 ..< Int.max`.
  ///   - kernels: The kernels that will read them.
  func pack(
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    into packed: UnsafeMutablePointer<Float>, panels: Range<Int>, kernels: Kernels)
}

extension PackedStepKind {
  func packingPanels(_ kernels: Kernels) -> Int { 1 }
}

/// A convolution that gives some rows of its output into other memory than its own.
protocol RowStepKind: StepKind {
  /// Computes some rows of the output, where row 0 would be at `target`.
  func executeRows(
    _ rows: Range<Int>, of step: Step, _ context: Context, _ kernels: Kernels,
    into target: UnsafeMutablePointer<Float>)
}
