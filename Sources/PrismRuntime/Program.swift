internal import PrismAutodiff
internal import PrismKernels

/// The steps of a plan in their order, and the memory they need.
struct Program: Sendable {
  /// Steps that belong together.
  enum Phase: Sendable {
    /// Steps that one thread takes one image through.
    case image(Steps)
    /// Steps that one thread takes several images through, all of them through one step before the
    /// next.
    case group(Steps)
    /// A step that reads its weights once for all images of a batch.
    case batch(Step, any BatchedStepKind)
  }

  /// Steps in the form in which one thread takes them, and in that in which several divide each of
  /// them.
  struct Steps: Sendable {
    let whole: [Step]
    let divided: [Step]

    init(_ steps: [Step]) {
      whole = steps
      divided = steps.flatMap { $0.kind.divided($0) }
    }
  }

  /// All steps, in the form in which one thread takes them.
  var steps: [Step] {
    phases.flatMap { phase in
      switch phase {
      case .image(let steps), .group(let steps): steps.whole
      case .batch(let step, _): [step]
      }
    }
  }

  let phases: [Phase]
  let layout: WorkspaceLayout
  /// The floats of tensors that a thread takes at the most beside its arena.
  let tensorSize: Int
  /// Where the sums over groups of images are, by their values.
  var sums: [ValueID: (offset: Int, layout: SumLayout)] = [:]

  /// The floats of the sums of a group.
  var sumSize: Int { sums.values.reduce(0) { max($0, $1.offset + $1.layout.size) } }

  /// The floats that batched steps share, for a number of images.
  func sharedSize(images: Int) -> Int {
    phases.reduce(0) { size, phase in
      guard case .batch(_, let kind) = phase else { return size }
      return max(size, kind.sharedSize(images: images))
    }
  }
}
