internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor

/// A primitive that no kernel exists for, computed as the recording does.
struct PlainStep: StepKind {
  /// What the primitive is given.
  enum Operand: Sendable {
    /// One of the step's other values, and its shape.
    case value(Int, Shape)
    case parameter(Tensor)
  }

  let primitive: any Primitive
  let operands: [Operand]
  /// The shape of the result.
  let output: Shape

  func label(of step: Step) -> String { "plain \(primitive.name) \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { 1 }

  func tensorSize(of step: Step) -> Int {
    var copies = 0
    let shapes = operands.map { operand in
      switch operand {
      case .parameter(let tensor): return tensor.shape
      case .value(_, let shape):
        copies += shape.count
        return shape
      }
    }
    return copies + 2 * output.count + primitive.scratchSize(shapes, output: output)
  }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    let tensors = operands.map { operand in
      switch operand {
      case .parameter(let tensor): tensor
      case .value(let index, let shape): tensor(step.others[index], shape, context)
      }
    }
    let place = step.output
    primitive.forward(tensors).withUnsafePointer { source in
      copyRows(
        source, stride: place.channels, to: context.pointer(place), stride: place.stride,
        rows: place.rows, channels: place.channels)
    }
  }

  private func tensor(_ place: Place, _ shape: Shape, _ context: Context) -> Tensor {
    Tensor(uninitialized: shape) { target in
      copyRows(
        context.pointer(place), stride: place.stride, to: target, stride: place.channels,
        rows: place.rows, channels: place.channels)
    }
  }
}
