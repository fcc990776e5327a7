internal import PrismKernels
internal import PrismTensor

/// What a call of a plan is given and what it returns, as steps see it.
//
// `@unchecked Sendable`: it lives as long as the call; every image is composed into memory of its
// own, and every value of every image is stored once, in a place of its own.
struct Exchange: @unchecked Sendable {
  /// Write what is given of the image with an index, each value whole: the image, `[H, W, C]`, or
  /// values that stand in its place.
  let given: [(Int, UnsafeMutablePointer<Float>) -> Void]
  /// The numbers of every wanted value, those of all images one after the other.
  let results: [UnsafeMutablePointer<Float>]
}

/// A given value, such as the image, as the caller composes it.
struct LoadStep: StepKind {
  /// Which of those that are given.
  let index: Int

  func label(of step: Step) -> String { "load \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { 1 }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    context.exchange.given[index](context.image, context.pointer(step.output))
  }
}

/// A value that the caller wants.
struct StoreStep: StepKind {
  /// Which of them.
  let index: Int

  func label(of step: Step) -> String { "store \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { 1 }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    let input = step.input
    copyRows(
      context.pointer(input), stride: input.stride,
      to: context.exchange.results[index] + context.image * input.count, stride: input.channels,
      rows: input.rows, channels: input.channels)
  }
}

/// A tensor of the model that the caller wants.
struct ConstantStep: StepKind {
  let tensor: Tensor

  func label(of step: Step) -> String { "constant \(step.output.rows)×\(step.output.channels)" }

  func divisions(of step: Step) -> Int { 1 }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    tensor.withUnsafePointer {
      context.pointer(step.output).update(from: $0, count: tensor.count)
    }
  }
}
