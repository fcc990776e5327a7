internal import ArgumentParser
internal import Prism
internal import PrismAutodiff
internal import PrismExplain
internal import PrismModels
internal import PrismRuntime
internal import PrismTensor
internal import Synchronization

/// A model that computes every image whole, also where it differs from a known one in a part.
private struct WholeClassifier: Classifier {
  let base: PlannedClassifier

  var inputShape: Shape { base.inputShape }

  func logits(_ images: Tensor) throws -> Tensor { try base.logits(images) }

  func logits(
    count: Int, composing compose: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
  ) throws -> Tensor {
    try base.logits(count: count, composing: compose)
  }
}

/// A model that computes by updates, and knows how much.
private final class UpdatingClassifier: Classifier {
  let base: PlannedClassifier
  private let last = Mutex<(any Classifier)?>(nil)

  var inputShape: Shape { base.inputShape }

  init(_ base: PlannedClassifier) { self.base = base }

  func logits(_ images: Tensor) throws -> Tensor { try base.logits(images) }

  func logits(
    count: Int, composing compose: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
  ) throws -> Tensor {
    try base.logits(count: count, composing: compose)
  }

  func near(_ image: Tensor) throws -> any Classifier { note(try base.near(image)) }

  func inSequence() throws -> any Classifier { note(try base.inSequence()) }

  private func note(_ classifier: any Classifier) -> any Classifier {
    last.withLock { $0 = classifier }
    return classifier
  }

  /// The part of the operations of whole passes that the last task took; 1 where it made no
  /// updates.
  func takeShare() -> Double {
    last.withLock { last in
      defer { last = nil }
      return switch last {
      case let near as NearbyClassifier: near.tally.share
      case let sequence as SequenceClassifier: sequence.tally.share
      default: 1
      }
    }
  }
}

struct UpdatesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "updates",
    abstract: "Methods that compute only what changed, beside whole forward passes.",
    discussion: """
      Occlusion with windows of 16×16 pixels, Partition SHAP with 500 evaluations, the curves of \
      deletion and insertion along a map of Partition SHAP, and strokes of a brush of 12 pixels, a \
      picture at a time, by updates and by whole passes in turn. \
      Both must give the same bits. The bound is that of the operations: how many times as many \
      whole passes need.
      """)

  @Argument(help: "Weights files.") var files: [String]

  @Option(help: ArgumentHelp("The picture.", valueName: "file"))
  var picture = "Samples/husky.png"

  @Option(help: ArgumentHelp("Only tasks whose name holds this text.", valueName: "text"))
  var filter: String?

  @Option(help: ArgumentHelp("How often both are measured; medians count.", valueName: "count"))
  var repeats = 3

  @Option(help: ArgumentHelp("The number of threads.", valueName: "threads"))
  var threads: Int?

  func validate() throws {
    if repeats < 1 || (threads ?? 1) < 1 {
      throw ValidationError("all numbers must be at least 1")
    }
  }

  func run() throws {
    if let threads { Threads.count = threads }
    let picture = try Image(contentsOf: picture)
    for path in files { try measure(path, picture) }
  }

  private func measure(_ path: String, _ picture: Image) throws {
    let model = try Model(contentsOf: path)
    let recording = try Network(model.card, weights: model.file).record()
    let base = PlannedClassifier(
      recording, defaultLayer: "", precision: Model.precision(of: model.card))
    let (updating, whole) = (UpdatingClassifier(base), WholeClassifier(base: base))
    let (name, image) = (model.card.name, model.explained(picture))
    let target = try model.predict(picture).top
    func map(_ explainer: any BlackBoxExplainer, _ classifier: any Classifier) throws -> Tensor {
      try explainer.explain(image, targets: [target.index], of: classifier, work: .unwatched)[0]
        .values
    }
    for stride in [16, 8] {
      let occlusion = Occlusion(window: 16, stride: stride)
      try row("\(name), occlusion 16×16 by \(stride)", updating) {
        try map(occlusion, $0 ? updating : whole).scalars
      }
    }
    let partition = PartitionSHAP()
    try row("\(name), Partition SHAP, 500", updating) {
      try map(partition, $0 ? updating : whole).scalars
    }
    lazy var followed = Result { try map(partition, updating) }
    for direction in RemovalCurve.Direction.allCases {
      let curve = RemovalCurve(direction)
      try row("\(name), \(direction.rawValue)", updating) {
        try curve(
          followed.get(), target: target.index, image: image, of: $0 ? updating : whole
        ).outputs
      }
    }
    try paint("\(name), a stroke of 12×12", base, model.input(for: picture))
    print("  the highest memory, MB: " + fixed(Double(Memory.highest) / 1e6, 0))
  }

  /// Measures the pictures of a brush that goes from one corner to the other and back.
  private func paint(_ name: String, _ base: PlannedClassifier, _ image: Tensor) throws {
    guard isWanted(name) else { return }
    guard let sequence = try base.inSequenceOfCalls(room: Model.usualSequenceRoom) else {
      return print(name + ": computed whole")
    }
    var (image, images) = (image, [image])
    let (height, width, channels) = (image.shape[1], image.shape[2], image.shape[3])
    let (side, count) = (12, 20)
    for stroke in 0..<2 * count {
      let place = Double(stroke % count) / Double(count)
      let top = Int(Double(height - side) * (stroke < count ? place : 1 - place))
      let left = Int(Double(width - side) * place)
      for y in top..<top + side {
        for x in left..<left + side { for c in 0..<channels { image[0, y, x, c] = 0 } }
      }
      images.append(image)
    }
    var samples: (updates: [Double], whole: [Double]) = ([], [])
    for repeated in 0...repeats {
      for (number, image) in images.enumerated() {
        var logits: (updates: Tensor, whole: Tensor)?
        var times = (updates: 0.0, whole: 0.0)
        times.updates = try time { logits = (try sequence.logits(image), image) }
        times.whole = try time { logits?.whole = try base.logits(image) }
        guard logits?.updates == logits?.whole else {
          throw BenchError.unequal(name)
        }
        // The first round makes the plans, and the first picture of a round is another one.
        if repeated > 0, number > 0 {
          samples.updates.append(times.updates)
          samples.whole.append(times.whole)
        }
      }
    }
    report(
      name, Timing(samples.updates).median, Timing(samples.whole).median,
      share: sequence.tally.share)
    print("  held of the picture, MB: " + fixed(Double(sequence.byteCount) / 1e6, 0))
  }

  /// Measures a task by updates and by whole passes in turn.
  private func row<Value: Equatable>(
    _ name: String, _ updating: UpdatingClassifier,
    _ task: (_ isUpdating: Bool) throws -> [Value]
  ) throws {
    guard isWanted(name) else { return }
    // The first calls make the plans.
    guard try task(true) == task(false) else { throw BenchError.unequal(name) }
    let share = updating.takeShare()
    var samples: (updates: [Double], whole: [Double]) = ([], [])
    for _ in 0..<repeats {
      samples.updates.append(try time { sink(try task(true)) })
      samples.whole.append(try time { sink(try task(false)) })
    }
    report(name, Timing(samples.updates).median, Timing(samples.whole).median, share: share)
  }

  private func isWanted(_ name: String) -> Bool { filter.map(name.contains) ?? true }

  private func report(_ name: String, _ first: Double, _ second: Double, share: Double) {
    print(
      name.padded(to: 48) + fixed(first * 1e3, 1).padded(to: 10, atEnd: false) + " ms, whole "
        + fixed(second * 1e3, 1).padded(to: 10, atEnd: false) + " ms, "
        + fixed(second / first, 2) + " times as fast, bound " + fixed(1 / share, 2))
  }
}
