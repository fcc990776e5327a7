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
    /// The step in the memory of an image that is computed.
    let step: Step
    /// The step in the memory of the known image.
    let known: Step
    /// The step's kind where it can be computed in part.
    let region: (any RegionStepKind)?
    /// All of the step's output.
    let whole: Rectangle
    /// The tiles in which the step is computed.
    let grid: TileGrid?
    let flops: Double
    /// The index of the convolution that the step makes, before what is done to its sums.
    let convolution: Int?

    init(_ step: Step, known: Step, convolution: Int?, _ recording: Recording) {
      self.convolution = convolution
      self.step = step
      self.known = known
      region = step.kind as? any RegionStepKind
      whole = Spread.whole(recording[step.value].shape)
      grid = (step.kind as? any TiledStepKind).map { TileGrid($0) }
      flops = Double(step.kind.flops(of: step))
    }

    /// The index of the value that is computed.
    var index: Int { step.value.index }

    /// What is given, the image.
    var isLoad: Bool { step.kind is LoadStep }

    /// What the caller wants, which is stored for every image.
    var isStore: Bool { step.kind is StoreStep }

    /// The part of the step's operations that a part of its output takes.
    func share(of part: Rectangle) -> Double {
      guard region != nil else { return 1 }
      let computed = grid?.tiles(over: part, in: whole) ?? part
      return Double(computed.area) / Double(whole.area)
    }

    /// The rows of a part, divided among threads; the part itself where the kind cannot do less than
    /// all, or where it is not worth it to wake another thread.
    func parts(of part: Rectangle, workers: Int) -> [Rectangle] {
      guard let region, region.computesAlone, flops * share(of: part) > Self.leastWork else {
        return [part]
      }
      // Threads compute whole tiles, so that none writes what another does.
      let side = grid?.side ?? 1
      let tiles = part.rows.lowerBound / side..<(part.rows.upperBound + side - 1) / side
      let count = min(workers, tiles.count)
      return (0..<count).map { index in
        let share = Part(index: index, count: count).range(of: tiles.count)
        let first = (tiles.lowerBound + share.lowerBound) * side
        let rows = first..<first + share.count * side
        return Rectangle(rows: rows.clamped(to: part.rows), columns: part.columns)
      }
    }

    /// The operations that take a thread as long as another needs to begin.
    private static let leastWork = 1e5

    /// Computes a part, or all where the kind cannot do less.
    func execute(_ part: Rectangle, _ context: Context, _ kernels: Kernels) {
      if let region, part != whole {
        let part = Region(rectangle: part, width: whole.columns.count)
        region.execute(step, context, kernels, over: part)
      } else {
        step.kind.execute(step, context, kernels, part: .whole)
      }
    }

    /// Copies a part of what the step stores from the known image to one that is computed.
    func copy(_ part: Rectangle, from known: Context, to target: Context) {
      copy(part, known.pointer(self.known.output), target.pointer(step.output))
    }

    /// Copies a part of what the step stores from one image that is computed to another.
    func copy(_ part: Rectangle, between source: Context, and target: Context) {
      copy(part, source.pointer(step.output), target.pointer(step.output))
    }

    /// Copies a part of what the step stores from an image that is computed to the known one.
    func copy(_ part: Rectangle, from source: Context, back known: Context) {
      copy(part, source.pointer(step.output), known.pointer(self.known.output))
    }

    private func copy(
      _ part: Rectangle, _ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>
    ) {
      let place = step.output
      forEachRun(of: part) { pixels in
        let offset = pixels.lowerBound * place.stride
        copyRows(
          source + offset, stride: place.stride, to: target + offset, stride: place.stride,
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

  /// The most images that are computed at a time, beside the known one.
  static let mostImages = 16
  /// The side of the small change that decides where the update ends, relative to the image's.
  static let smallChange = 1.0 / 14
  /// The largest part of a map that such a change may reach.
  static let largestReach = 0.7

  let inputShape: Shape
  /// The value that is computed, from which a plan goes on.
  let end: ValueID
  let endShape: Shape
  /// What computes the known image: all values keep their places.
  let known: Program
  /// What computes an image that differs from it.
  let changed: Program
  let phases: [Phase]
  /// The steps of all phases.
  let steps: [PartialStep]
  let kernels: Kernels
  /// The steps whose values the known image can take over once all images have gone through a step,
  /// by the index of its value: what lies in one buffer is read together.
  let takenOver: [Int: [PartialStep]]
  /// The steps of whose values something is read beyond what a change alters, by the index of a value:
  /// only they must be known of an image from which another is computed.
  let readAround: Set<Int>
  /// Where the known image lies.
  let input: Place
  private let spread: Spread
  /// The operations of the steps.
  let flops: Double

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
    inputShape = recording[recording.inputs[0]].shape
    self.kernels = kernels
    guard inputShape.rank == 4,
      let end = Self.end(recording, compiler.drafts(for: [recording.outputs[0]]), reach)
    else { return nil }
    self.end = end
    endShape = recording[end].shape
    known = try compiler.program(for: [end], storage: .kept)
    changed = try compiler.program(for: [end], storage: .changed)
    let drafts = compiler.drafts(for: [end])
    spread = Spread(recording, drafts)
    let convolutions = Dictionary(
      drafts.compactMap { draft in draft.weights.map { (draft.output, $0.source.convolution.index) }
      },
      uniquingKeysWith: { first, _ in first })
    var left = known.steps[...]
    func partial(_ step: Step) -> PartialStep {
      PartialStep(
        step, known: left.popFirst() ?? step, convolution: convolutions[step.value], recording)
    }
    phases = changed.phases.map { phase in
      switch phase {
      case .image(let steps), .group(let steps): .image(steps.whole.map(partial))
      case .batch(let step, let kind): .batch(partial(step), kind)
      }
    }
    input =
      known.steps.first { $0.kind is LoadStep }?.output
      ?? Place(arena: .image, offset: 0, stride: 0, rows: 0, channels: 0)
    steps = phases.flatMap(\.steps)
    let readAround = spread.readAround(end: end.index, shape: recording[end].shape)
    self.readAround = readAround
    // By the image itself those that follow are told from it.
    takenOver = Self.takenOver(steps.filter { $0.isLoad || readAround.contains($0.index) })
    flops = steps.reduce(0) { $0 + $1.flops }
  }

  /// The steps whose values lie in the same buffers, by the last of them.
  private static func takenOver(_ steps: [PartialStep]) -> [Int: [PartialStep]] {
    var buffers: [(floats: Range<Int>, steps: [PartialStep])] = []
    for step in steps where !step.isStore {
      let place = step.known.output
      var buffer = (
        floats: place.offset..<place.offset + (place.rows - 1) * place.stride + place.channels,
        steps: [PartialStep]()
      )
      for other in buffers where other.floats.overlaps(buffer.floats) {
        buffer.floats =
          min(
            buffer.floats.lowerBound, other.floats.lowerBound)..<max(
            buffer.floats.upperBound, other.floats.upperBound)
        buffer.steps += other.steps
      }
      buffers.removeAll { $0.floats.overlaps(buffer.floats) }
      buffer.steps.append(step)
      buffers.append(buffer)
    }
    return Dictionary(
      buffers.compactMap { buffer in buffer.steps.last.map { ($0.index, buffer.steps) } },
      uniquingKeysWith: { first, _ in first })
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

  /// What a change alters that changes nothing.
  var unaltered: [Rectangle?] { spread.unaltered }

  /// What must be known of every value to compute what a change alters, by the index of a value.
  ///
  /// - Parameters:
  ///   - altered: What a change alters.
  ///   - isWanted: Whether the value where the update ends is wanted, all of it.
  /// - Returns: One entry a value of the recording; `nil` where nothing of it is read.
  func needed(for altered: [Rectangle?], isWanted: Bool) -> [Rectangle?] {
    spread.needed(for: altered, end: end.index, shape: isWanted ? endShape : nil)
  }

  /// The floats that batched steps share.
  func sharedSize(images: Int) -> Int {
    phases.reduce(0) { size, phase in
      guard case .batch(_, let kind) = phase else { return size }
      let needed = (kind as? WinogradStep).map { WinogradRegions($0, images: images).sharedSize }
      return max(size, needed ?? kind.sharedSize(images: images))
    }
  }

  /// The floats of the products that are kept of the known image, by the index of a step's value.
  var keptProducts: (size: Int, offsets: [Int: Int]) {
    var (size, offsets) = (0, [Int: Int]())
    for case .batch(let step, let kind as WinogradStep) in phases {
      offsets[step.index] = size
      size += ArenaLayout.aligned(WinogradRegions(kind, images: 1).keptSize)
    }
    return (size, offsets)
  }

  /// How many images are computed at a time, so that their values take no more than half of the
  /// memory that there may be; as many as threads at least.
  func chunk(threads: Int) -> Int {
    var count = Self.mostImages
    while count > threads,
      UpdateRun.size(self, threads: threads, chunk: count, keepsProducts: true)
        > PlannedClassifier.mostNearby / 2
    {
      count /= 2
    }
    return max(count, threads)
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
