internal import PrismAutodiff
internal import PrismRuntime
internal import PrismTensor

/// The division of an image for its Owen values: what waits to be divided, and the credit of what
/// will not be.
struct OwenDivision {
  /// A rectangle in a context: with and without it the outputs are `with` and `without`.
  private struct Item {
    let priority, tie: Double
    let order: Int
    let context: Int
    let without, with: [Double]
    let box: PixelBox
    let weight: Double

    /// Whether this is divided before another.
    func comes(before other: Item) -> Bool {
      (priority, tie, order) < (other.priority, other.tie, other.order)
    }
  }

  private let image: ExplainedImage
  private let masked: MaskedImage
  private let isShap: Bool
  private var random: MersenneTwister
  private var queue: [Item] = []
  /// What is kept in a context: a box and all that its parent keeps; context 0 keeps nothing.
  private var contexts: [(parent: Int, box: PixelBox?)] = [(0, nil)]
  /// The boxes that are kept in every context that has been evaluated.
  private var chains: [[PixelBox]] = []
  /// Computes contexts near those that they differ from.
  private var descent: (any Classifier)?
  private var credits: [(box: PixelBox, values: [Double])] = []
  private var orders = 0
  private(set) var base: [Double] = []
  private(set) var whole: [Double] = []
  private(set) var spent = 0

  init(_ image: ExplainedImage, masker: Masker, isShap: Bool, seed: UInt32) throws {
    self.image = image
    masked = try MaskedImage(image, masker: masker)
    self.isShap = isShap
    random = MersenneTwister(seed: seed)
  }

  mutating func run(_ evaluator: Evaluator, evaluations: Int, round: Int) throws {
    let all = PixelBox(
      rows: 0..<image.height, columns: 0..<image.width, channels: 0..<image.channels)
    contexts.append((0, all))
    let ends = try evaluate([0, 1], evaluator)
    (base, whole) = (ends[0], ends[1])
    push(
      Item(
        priority: 0, tie: 0, order: 0, context: 0, without: base, with: whole, box: all, weight: 1))
    // shap overdraws by one where the number is odd.
    let budget = isShap ? evaluations - 2 : (evaluations - 2) / 2 * 2
    var count = 0
    while !queue.isEmpty, count < budget {
      let divided = next(min(round, budget - count))
      let outputs = try evaluate(divided.flatMap { [$0.contexts.0, $0.contexts.1] }, evaluator)
      count += outputs.count
      for (index, (item, halves, both)) in divided.enumerated() {
        let (first, second) = (outputs[2 * index], outputs[2 * index + 1])
        let weight = item.weight / 2
        add(item.context, item.without, first, halves.0, weight)
        add(item.context, item.without, second, halves.1, weight)
        add(both.1, second, item.with, halves.0, weight)
        add(both.0, first, item.with, halves.1, weight)
      }
    }
    while !queue.isEmpty { credit(pop()) }
  }

  /// What is divided in one round of evaluations; what cannot be divided is credited.
  private mutating func next(
    _ evaluations: Int
  ) -> [(item: Item, halves: (PixelBox, PixelBox), contexts: (Int, Int))] {
    var round: [(item: Item, halves: (PixelBox, PixelBox), contexts: (Int, Int))] = []
    while !queue.isEmpty, 2 * round.count < evaluations {
      let item = pop()
      guard let halves = item.box.halves(dividingChannels: isShap) else {
        credit(item)
        continue
      }
      contexts.append((item.context, halves.0))
      contexts.append((item.context, halves.1))
      round.append((item, halves, (contexts.count - 2, contexts.count - 1)))
    }
    return round
  }

  private mutating func credit(_ item: Item) {
    credits.append((item.box, zip(item.with, item.without).map { ($0 - $1) * item.weight }))
  }

  private mutating func add(
    _ context: Int, _ without: [Double], _ with: [Double], _ box: PixelBox, _ weight: Double
  ) {
    let largest = zip(with, without).map { abs($0 - $1) }.max() ?? 0
    orders += 1
    push(
      Item(
        priority: -largest * weight, tie: isShap ? random.normal() : 0, order: orders,
        context: context, without: without, with: with, box: box, weight: weight))
  }

  /// The targets' numbers in some contexts, the last that there are.
  private mutating func evaluate(_ ids: [Int], _ evaluator: Evaluator) throws -> [[Double]] {
    guard let first = ids.first else { return [] }
    for id in chains.count..<contexts.count {
      let context = contexts[id]
      chains.append(
        (context.box.map { [placed($0)] } ?? []) + (id > 0 ? chains[context.parent] : []))
    }
    spent += ids.count
    let images = try PerturbedImages(.boxes(kept: chains), of: masked)
    let flat = try numbers(of: images, first..<first + ids.count, evaluator)
    let targets = evaluator.targets.count
    return ids.indices.map { Array(flat[$0 * targets..<($0 + 1) * targets]) }
  }

  /// A context differs from its parent in a box, so that only what that reaches is computed, where
  /// the classifier knows how.
  private mutating func numbers(
    of images: PerturbedImages, _ ids: Range<Int>, _ evaluator: Evaluator
  ) throws -> [Double] {
    guard ids.lowerBound > 0, !masked.isInpainted else {
      return try evaluator(images, samples: ids)
    }
    if descent == nil {
      let nothing = Tensor(uninitialized: image.input.shape) { images.write(0, to: $0) }
      descent = try evaluator.classifier.near(nothing)
    }
    guard let descent = descent as? any DescentClassifier else {
      return try evaluator(images, samples: ids)
    }
    return try evaluator(images, numbers: ids, by: descent) { id in
      contexts[id].box.map { box in
        let box = placed(box)
        return Kinship(
          parent: contexts[id].parent, rectangle: Rectangle(rows: box.rows, columns: box.columns))
      }
    }
  }

  /// Where a box of the tree lies in the image: shap numbers its leaves backwards, which reflects
  /// the tree.
  private func placed(_ box: PixelBox) -> PixelBox {
    guard isShap else { return box }
    func reflected(_ range: Range<Int>, _ size: Int) -> Range<Int> {
      size - range.upperBound..<size - range.lowerBound
    }
    return PixelBox(
      rows: reflected(box.rows, image.height), columns: reflected(box.columns, image.width),
      channels: box.channels.map { reflected($0, image.channels) })
  }

  /// One target's values, a pixel's channels added up, in row-major order.
  func values(_ target: Int) -> [Double] {
    var map = [Double](repeating: 0, count: image.area)
    for (box, values) in credits {
      let box = placed(box)
      let depth = (box.channels ?? 0..<image.channels).count
      let count = box.rows.count * box.columns.count * depth
      let share = values[target] / Double(count) * Double(depth)
      for y in box.rows { for x in box.columns { map[y * image.width + x] += share } }
    }
    return map
  }

  // A binary heap with the item that comes first at its root.

  private mutating func push(_ item: Item) {
    queue.append(item)
    var child = queue.count - 1
    while child > 0, queue[child].comes(before: queue[(child - 1) / 2]) {
      queue.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private mutating func pop() -> Item {
    queue.swapAt(0, queue.count - 1)
    let item = queue.removeLast()
    var parent = 0
    while true {
      let children = (2 * parent + 1)..<min(2 * parent + 3, max(queue.count, 2 * parent + 1))
      guard let first = children.min(by: { queue[$0].comes(before: queue[$1]) }),
        queue[first].comes(before: queue[parent])
      else { return item }
      queue.swapAt(first, parent)
      parent = first
    }
  }
}

extension PixelBox {
  /// The two halves across the longer side; `nil` for what cannot be divided.
  fileprivate func halves(dividingChannels: Bool) -> (PixelBox, PixelBox)? {
    var (first, second) = (self, self)
    func middle(_ range: Range<Int>) -> Int { range.lowerBound + range.count / 2 }
    if rows.count >= columns.count, rows.count > 1 {
      first.rows = rows.lowerBound..<middle(rows)
      second.rows = middle(rows)..<rows.upperBound
    } else if columns.count > 1 {
      first.columns = columns.lowerBound..<middle(columns)
      second.columns = middle(columns)..<columns.upperBound
    } else if dividingChannels, let channels, channels.count > 1 {
      first.channels = channels.lowerBound..<middle(channels)
      second.channels = middle(channels)..<channels.upperBound
    } else {
      return nil
    }
    return (first, second)
  }
}
