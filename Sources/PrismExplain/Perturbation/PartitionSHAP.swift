public import PrismRuntime
internal import PrismTensor

/// Owen values on the tree of halves of the image: Shapley values in which a rectangle's parts act together.
///
/// The image is halved across its longer side again and again. A rectangle's credit is what it adds, averaged over its
/// sibling being there or not, level by level; rectangles whose credit is largest are divided first, until the
/// evaluations are spent, and what is left undivided shares its credit evenly among its pixels. Base value plus sum is
/// the output for any number of evaluations. With several targets the largest of their credits drives the division:
/// what is divided, and so the values, depends on the targets asked for together.
///
/// ``Mode/shap`` reproduces the package shap 0.51 number for number: its tree, which is reflected through the image's
/// centre and divides pixels into channels, its order and its draws for ties. Definition: Owen, "Values of games with a
/// priori unions", 1977; the order of division is that of shap's `PartitionExplainer`.
public struct PartitionSHAP: BlackBoxExplainer {
  /// Which tree and order.
  public enum Mode: String, Sendable, CaseIterable {
    /// Halves of the image down to pixels; what was found first is divided first among equals.
    case plain
    /// Those of the package shap, with the seed as NumPy's global one.
    case shap
  }

  /// The method's name on the command line.
  public let name = "shap"
  /// The method's name as it is written in texts.
  public let title = "Partition SHAP"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.baseline], cost: "as many forward passes as allowed",
    paper: "Owen, Values of games with a priori unions, 1977; Lundberg, shap")
  /// The largest number of evaluations; at least 2.
  public let evaluations: Int
  /// How many images are evaluated before rectangles are chosen anew; a parameter of the definition, whatever the
  /// batch of the model.
  public let round: Int
  /// What masks.
  public let masker: Masker
  /// The number that is explained.
  public let output: ExplainedOutput
  /// Which tree and order.
  public let mode: Mode
  /// The seed of the draws for ties in ``Mode/shap``; nothing else is drawn.
  public let seed: UInt64

  /// Makes the method.
  public init(
    evaluations: Int = 500, round: Int = 10, masker: Masker = .blur(rows: 32, columns: 32),
    output: ExplainedOutput = .logit, mode: Mode = .plain, seed: UInt64 = 0
  ) {
    self.evaluations = evaluations
    self.round = round
    self.masker = masker
    self.output = output
    self.mode = mode
    self.seed = seed
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [
      .integer("evaluations", evaluations), .integer("round", round),
      .text("mask", masker.description), .text("output", output.rawValue),
      .text("mode", mode.rawValue), .seed(seed),
    ]
  }

  /// Explains predictions for one image; every division is evaluated once for all targets.
  ///
  /// - Throws: ``ExplanationError``.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any Classifier,
    work: Work
  ) throws -> [Attribution] {
    try image.check(for: classifier)
    guard evaluations >= 2, round >= 2 else {
      throw ExplanationError.parameter(
        "the number of evaluations", "must be at least 2, and so the round")
    }
    if mode == .shap {
      if case .inpainting = masker {
        throw ExplanationError.unsuitable(
          "the mode shap divides pixels into channels and cannot inpaint")
      }
    }
    guard let seed = UInt32(exactly: seed) else {
      throw ExplanationError.parameter("the seed", "must be below 4294967296")
    }
    let evaluator = Evaluator(
      classifier, targets: targets, output: output, work: work)
    var division = try Division(image, masker: masker, isShap: mode == .shap, seed: seed)
    try division.run(evaluator, evaluations: evaluations, round: round)
    return targets.enumerated().map { t, target in
      let map = division.values(t)
      return Attribution(
        target: target, values: image.map(map), evaluations: division.spent,
        completenessGap: division.whole[t] - division.base[t] - map.reduce(0, +),
        baseValue: division.base[t],
        diagnostics: targets.count > 1
          ? [
            "what is divided was chosen for the \(targets.count) explained labels together"
          ] : [])
    }
  }
}

/// A box of rows, columns and channels.
private struct Box: Sendable {
  var y, x, z: Range<Int>

  var count: Int { y.count * x.count * z.count }

  /// The two halves across the longer side; `nil` for what cannot be divided.
  func halves(dividingChannels: Bool) -> (Box, Box)? {
    var (first, second) = (self, self)
    func middle(_ range: Range<Int>) -> Int { range.lowerBound + range.count / 2 }
    if y.count >= x.count, y.count > 1 {
      (first.y, second.y) = (y.lowerBound..<middle(y), middle(y)..<y.upperBound)
    } else if x.count > 1 {
      (first.x, second.x) = (x.lowerBound..<middle(x), middle(x)..<x.upperBound)
    } else if dividingChannels, z.count > 1 {
      (first.z, second.z) = (z.lowerBound..<middle(z), middle(z)..<z.upperBound)
    } else {
      return nil
    }
    return (first, second)
  }
}

/// The state of a division: what waits to be divided, and the credit of what will not be.
private struct Division {
  /// A rectangle in a context: with and without it the outputs are `with` and `without`.
  private struct Item {
    let priority, tie: Double
    let order: Int
    let context: Int
    let without, with: [Double]
    let box: Box
    let weight: Double

    /// Whether this is divided before another.
    func comes(before other: Item) -> Bool {
      (priority, tie, order) < (other.priority, other.tie, other.order)
    }
  }

  private let image: ExplainedImage
  private let masked: MaskedImage
  private let isInpainted: Bool
  private let isShap: Bool
  private var random: MersenneTwister
  private var queue: [Item] = []
  /// What is kept in a context: a box and all that its parent keeps; context 0 keeps nothing.
  private var contexts: [(parent: Int, box: Box?)] = [(0, nil)]
  private var credits: [(box: Box, values: [Double])] = []
  private var orders = 0
  private(set) var base: [Double] = []
  private(set) var whole: [Double] = []
  private(set) var spent = 0

  init(_ image: ExplainedImage, masker: Masker, isShap: Bool, seed: UInt32) throws {
    self.image = image
    masked = try MaskedImage(image, masker: masker)
    isInpainted = if case .inpainting = masker { true } else { false }
    self.isShap = isShap
    random = MersenneTwister(seed: seed)
  }

  mutating func run(_ evaluator: Evaluator, evaluations: Int, round: Int) throws {
    let all = Box(y: 0..<image.height, x: 0..<image.width, z: 0..<image.channels)
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
      var work: [(item: Item, halves: (Box, Box), contexts: (Int, Int))] = []
      while !queue.isEmpty, 2 * work.count < round, count + 2 * work.count < budget {
        let item = pop()
        guard let halves = item.box.halves(dividingChannels: isShap) else {
          credit(item)
          continue
        }
        contexts.append((item.context, halves.0))
        contexts.append((item.context, halves.1))
        work.append((item, halves, (contexts.count - 2, contexts.count - 1)))
      }
      let outputs = try evaluate(work.flatMap { [$0.contexts.0, $0.contexts.1] }, evaluator)
      count += outputs.count
      for (index, (item, halves, both)) in work.enumerated() {
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

  private mutating func credit(_ item: Item) {
    credits.append((item.box, zip(item.with, item.without).map { ($0 - $1) * item.weight }))
  }

  private mutating func add(
    _ context: Int, _ without: [Double], _ with: [Double], _ box: Box, _ weight: Double
  ) {
    let largest = zip(with, without).map { abs($0 - $1) }.max() ?? 0
    orders += 1
    push(
      Item(
        priority: -largest * weight, tie: isShap ? random.normal() : 0, order: orders,
        context: context, without: without, with: with, box: box, weight: weight))
  }

  private mutating func evaluate(_ ids: [Int], _ evaluator: Evaluator) throws -> [[Double]] {
    guard !ids.isEmpty else { return [] }
    let chains = ids.map { id in
      var (boxes, id) = ([Box](), id)
      while let box = contexts[id].box {
        boxes.append(placed(box))
        id = contexts[id].parent
      }
      return boxes
    }
    spent += ids.count
    let (masked, width, channels, isInpainted) = (masked, image.width, image.channels, isInpainted)
    let area = image.area
    let flat = try evaluator(ids.count) { index, target in
      if isInpainted {
        var isKept = [Bool](repeating: false, count: area)
        for box in chains[index] {
          for y in box.y { for x in box.x { isKept[y * width + x] = true } }
        }
        return masked.write(target) { isKept[$0] }
      }
      masked.write(target) { _ in false }
      masked.input.withUnsafePointer { input in
        for box in chains[index] {
          for y in box.y {
            for x in box.x {
              for z in box.z {
                let i = (y * width + x) * channels + z
                target[i] = input[i]
              }
            }
          }
        }
      }
    }
    let targets = evaluator.targets.count
    return ids.indices.map { Array(flat[$0 * targets..<($0 + 1) * targets]) }
  }

  /// Where a box of the tree lies in the image: shap numbers its leaves backwards, which reflects the tree.
  private func placed(_ box: Box) -> Box {
    guard isShap else { return box }
    func reflected(_ range: Range<Int>, _ size: Int) -> Range<Int> {
      size - range.upperBound..<size - range.lowerBound
    }
    return Box(
      y: reflected(box.y, image.height), x: reflected(box.x, image.width),
      z: reflected(box.z, image.channels))
  }

  /// One target's values, a pixel's channels added up, in row-major order.
  func values(_ target: Int) -> [Double] {
    var map = [Double](repeating: 0, count: image.area)
    for (box, values) in credits {
      let box = placed(box)
      let share = values[target] / Double(box.count) * Double(box.z.count)
      for y in box.y { for x in box.x { map[y * image.width + x] += share } }
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
