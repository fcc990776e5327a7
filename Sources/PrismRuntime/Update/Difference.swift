internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor

/// What of the values of an image is kept, and where.
struct DifferenceLayout {
  /// What is kept of every value, by its index.
  fileprivate let parts: [Rectangle?]
  /// Where it begins.
  fileprivate let offsets: [Int]
  /// The floats of all of it.
  let count: Int

  /// Lays out what a change alters.
  ///
  /// - Parameters:
  ///   - update: How the image is computed.
  ///   - altered: What the change alters.
  init(of update: Update, altered: [Rectangle?]) {
    var parts = [Rectangle?](repeating: nil, count: altered.count)
    var offsets = [Int](repeating: 0, count: altered.count)
    var size = 0
    for step in update.steps where !step.isStore && update.readAround.contains(step.index) {
      let index = step.index
      guard let part = altered[index] else { continue }
      parts[index] = part
      offsets[index] = size
      size += (part == step.whole ? step.step.output.rows : part.area) * step.step.output.channels
    }
    (self.parts, self.offsets, count) = (parts, offsets, size)
  }
}

/// The values of an image where they differ from those of another: what an update computes, kept.
final class Difference: Sendable {
  private let layout: DifferenceLayout
  private let block: FloatBlock
  private let memory: WorkspaceMemory
  /// Counts the memory.
  private let budget: MemoryBudget?

  private var parts: [Rectangle?] { layout.parts }
  private var offsets: [Int] { layout.offsets }

  /// The memory that is taken.
  var byteCount: Int { block.count * MemoryLayout<Float>.stride }

  /// Takes memory for what a change alters.
  ///
  /// - Throws: `OutOfMemoryError`.
  init(_ layout: DifferenceLayout, memory: WorkspaceMemory) throws {
    let blocks = try memory.take([layout.count])
    let budget = MemoryBudget.current
    do {
      try budget?.admit(blocks[0].count * MemoryLayout<Float>.stride)
    } catch {
      memory.give(blocks)
      throw error
    }
    block = blocks[0]
    self.layout = layout
    self.memory = memory
    self.budget = budget
  }

  deinit {
    budget?.gave(byteCount)
    memory.give([block])
  }

  /// Keeps what a step has stored.
  func keep(_ step: Update.PartialStep, from context: Context) {
    guard !step.isStore, let part = parts[step.index] else { return }
    let place = step.step.output
    let source = context.pointer(place)
    var target = block.pointer + offsets[step.index]
    step.forEachRun(of: part) { pixels in
      copyRows(
        source + pixels.lowerBound * place.stride, stride: place.stride, to: target,
        stride: place.channels, rows: pixels.count, channels: place.channels)
      target += pixels.count * place.channels
    }
  }

  /// Whether a part of what a step stores is kept, all of it.
  func holds(_ part: Rectangle, of step: Update.PartialStep) -> Bool {
    parts[step.index]?.holds(part) ?? false
  }

  /// Copies what is kept of a part of what a step stores.
  func copy(_ part: Rectangle, of step: Update.PartialStep, to context: Context) {
    guard let kept = parts[step.index], let common = kept.intersection(part) else {
      return
    }
    let place = step.step.output
    let source = block.pointer + offsets[step.index]
    let target = context.pointer(place)
    guard kept != step.whole || kept != common else {
      return copyRows(
        source, stride: place.channels, to: target, stride: place.stride, rows: place.rows,
        channels: place.channels)
    }
    let width = step.whole.columns.count
    for row in common.rows {
      let from =
        (row - kept.rows.lowerBound) * kept.columns.count + common.columns.lowerBound
        - kept.columns.lowerBound
      copyRows(
        source + from * place.channels, stride: place.channels,
        to: target + (row * width + common.columns.lowerBound) * place.stride,
        stride: place.stride, rows: common.columns.count, channels: place.channels)
    }
  }
}
