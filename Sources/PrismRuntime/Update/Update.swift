internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor

/// The first part of a recording of one image, made ready to follow changes: of an image that
/// differs from a known one in a rectangle, only what the rectangle reaches is computed.
///
/// The steps are those of a ``Plan``, by the same kernels on the same grid of tiles, so that every
/// number has the bits of a whole pass; but every value is whole and keeps its place. What is read
/// around the altered part of a value comes from the known image's. Where even a small change in
/// the middle of the image reaches most of the map, the update ends, and a plan goes on.
final class Update: Sendable {
  /// A step, and how a part of it is computed.
  struct PartialStep: Sendable {
    let step: Step
    /// The step's kind where it can be computed in part.
    let region: (any RegionStepKind)?
    /// All of the step's output.
    let whole: Rectangle
    /// The tiles in which the step is computed.
    let grid: TileGrid?
    let flops: Double

    init(_ step: Step, _ recording: Recording) {
      self.step = step
      region = step.kind as? any RegionStepKind
      whole = Spread.whole(recording[step.value].shape)
      grid = (step.kind as? WinogradStep).map { TileGrid($0) }
      flops = Double(step.kind.flops(of: step))
    }

    /// The part of the step's operations that a part of its output takes.
    func share(of part: Rectangle) -> Double {
      guard region != nil else { return 1 }
      let computed = grid?.tiles(over: part, in: whole) ?? part
      return Double(computed.area) / Double(whole.area)
    }

    /// What the caller wants, which is stored for every image.
    var isStore: Bool { step.kind is StoreStep }

    /// Computes a part, or all where the kind cannot do less.
    func execute(_ part: Rectangle, _ context: Context, _ kernels: Kernels) {
      if let region, part != whole {
        let part = Region(rectangle: part, width: whole.columns.count)
        region.execute(step, context, kernels, over: part)
      } else {
        step.kind.execute(step, context, kernels, part: .whole)
      }
    }

    /// Copies a part of what the step stores from the memory of one image to that of another.
    func copy(_ part: Rectangle, from source: Context, to target: Context) {
      let place = step.output
      let (from, to) = (source.pointer(place), target.pointer(place))
      forEachRun(of: part) { pixels in
        let offset = pixels.lowerBound * place.stride
        copyRows(
          from + offset, stride: place.stride, to: to + offset, stride: place.stride,
          rows: pixels.count, channels: place.channels)
      }
    }

    /// Visits the pixels of a part of what the step stores, in runs.
    func forEachRun(of part: Rectangle, _ body: (Range<Int>) -> Void) {
      guard part != whole else { return body(0..<step.output.rows) }
      Region(rectangle: part, width: whole.columns.count).forEachRun(body)
    }
  }

  /// Steps that belong together.
  enum Phase: Sendable {
    /// Steps that one thread takes one image through.
    case image([PartialStep])
    /// A step that reads its weights once for all images.
    case batch(PartialStep, any BatchedStepKind)
  }

  /// The images whose values exist at a time.
  static let chunk = 8
  /// The side of the small change that decides where the update ends, relative to the image's.
  static let smallChange = 1.0 / 14
  /// The largest part of a map that such a change may reach.
  static let largestReach = 0.7

  let inputShape: Shape
  /// The value that is computed, from which a plan goes on.
  let end: ValueID
  let endShape: Shape
  let program: Program
  let phases: [Phase]
  /// The steps of all phases.
  let steps: [PartialStep]
  let kernels: Kernels
  /// Where an image lies, and the index of its value.
  let input: Place
  let inputIndex: Int
  private let spread: Spread
  private let flops: Double

  /// Makes an update, or `nil` where the first operations already see most of the image.
  ///
  /// - Parameters:
  ///   - recording: The forward pass of one image, with one input and one output.
  ///   - precision: How much rounding is allowed for speed: that of the plan whose bits it has.
  ///   - weights: Shared with plans of the same recording.
  ///   - kernels: What computes.
  ///   - reach: The largest part of a map that a small change may reach before the update ends.
  /// - Throws: `OutOfMemoryError` where there is no room for the packed weights.
  init?(
    _ recording: Recording, precision: Plan.Precision, weights: PackedWeights, kernels: Kernels,
    reach: Double = largestReach
  ) throws {
    let compiler = Compiler(
      recording: recording, given: [recording.inputs[0]], precision: precision, kernels: kernels,
      weights: weights)
    inputIndex = recording.inputs[0].index
    inputShape = recording[recording.inputs[0]].shape
    self.kernels = kernels
    guard inputShape.rank == 4,
      let end = Self.end(recording, compiler.drafts(for: [recording.outputs[0]]), reach)
    else { return nil }
    self.end = end
    endShape = recording[end].shape
    program = try compiler.program(for: [end], keepsValues: true)
    spread = Spread(recording, compiler.drafts(for: [end]))
    var input: Place?
    phases = program.phases.map { phase in
      switch phase {
      case .image(let steps), .group(let steps):
        .image(
          steps.whole.compactMap { step in
            guard step.kind is LoadStep else { return PartialStep(step, recording) }
            input = step.output
            return nil
          })
      case .batch(let step, let kind): .batch(PartialStep(step, recording), kind)
      }
    }
    self.input = input ?? Place(arena: .thread, offset: 0, stride: 0, rows: 0, channels: 0)
    steps = phases.flatMap(\.steps)
    flops = steps.reduce(0) { $0 + $1.flops }
  }

  /// The last value that all paths lead through before a small change in the middle of the image
  /// reaches more than a part of a map; the output where there is no such map.
  private static func end(
    _ recording: Recording, _ drafts: [Draft], _ reach: Double
  ) -> ValueID? {
    let (input, output) = (recording.inputs[0], recording.outputs[0])
    func middle(_ size: Int) -> Range<Int> {
      let count = max(1, Int(Double(size) * smallChange))
      return (size - count) / 2..<(size + count) / 2
    }
    let shape = recording[input].shape
    let altered = Spread(recording, drafts)
      .altered(by: Rectangle(rows: middle(shape[1]), columns: middle(shape[2])))
    let values = drafts.map(\.output)
    let first = values.first { value in
      let shape = recording[value].shape
      let whole = Spread.whole(shape)
      return altered[value.index].map {
        shape.rank != 4 || Double($0.area) > reach * Double(whole.area)
      } ?? false
    }
    guard let first else { return output }
    // Only what a step stores can be handed on.
    let stored = Set(values)
    var cut = recording.cut(before: first)
    while cut != input, !stored.contains(cut) { cut = recording.cut(before: cut) }
    return cut == input ? nil : cut
  }

  /// What a change alters, by the index of a value.
  func altered(by rectangle: Rectangle) -> [Rectangle?] { spread.altered(by: rectangle) }

  /// What must be known of every value to compute what a change alters, by the index of a value.
  func needed(for altered: [Rectangle?]) -> [Rectangle?] {
    spread.needed(for: altered, end: end.index, shape: endShape)
  }

  /// The part of all operations that a change makes necessary.
  func share(of altered: [Rectangle?]) -> Double {
    let needed = steps.reduce(0.0) { sum, step in
      guard let part = altered[step.step.value.index] else { return sum }
      return sum + step.flops * step.share(of: part)
    }
    return flops > 0 ? needed / flops : 1
  }
}

extension Update.Phase {
  /// The steps in their order.
  var steps: [Update.PartialStep] {
    switch self {
    case .image(let steps): steps
    case .batch(let step, _): [step]
    }
  }
}
