public import Prism

/// Many files as points of a layer's space, with their labels.
public struct ExampleLibrary: Sendable {
  /// A file with its labels.
  public struct Sample: Sendable, Equatable {
    /// The file.
    public let file: ExampleFile
    /// Its labels; none where nobody knows them.
    public let labels: [String]

    /// Makes a sample.
    public init(_ file: ExampleFile, labels: [String]) {
      self.file = file
      self.labels = labels
    }
  }

  /// How many files' inputs are in memory at a time.
  private static let group = 32

  /// The layer.
  public let layer: String
  /// The files that can be used, with their labels.
  public private(set) var samples: [Sample] = []
  /// Whether the labels are those that the model gives.
  public let isPredicted: Bool
  /// The files as points.
  public let space: ExampleSpace
  /// The files that cannot be used, and why.
  public private(set) var failures: [(path: String, reason: String)] = []

  /// Reads files and asks a model.
  ///
  /// - Parameters:
  ///   - all: The files; those without labels get the model's.
  ///   - layer: The layer's name.
  ///   - distance: How far two points are from each other.
  ///   - model: The model.
  ///   - work: Is told of every group of files; ends where its task is cancelled.
  /// - Throws: ``TooFewExamplesError`` where no file can be used; `ModelError`;
  ///   `CancellationError` in a cancelled task.
  public init(
    _ all: [Sample], layer: String, distance: ExampleSpace.Distance, model: Model,
    work: Work = .unwatched
  ) throws {
    self.layer = layer
    isPredicted = all.allSatisfy(\.labels.isEmpty)
    work.plan(all.count)
    var points: [[Float]] = []
    var samples: [Sample] = []
    for first in stride(from: 0, to: all.count, by: Self.group) {
      let part = all[first..<min(first + Self.group, all.count)]
      let labels = Dictionary(part.map { ($0.file, $0.labels) }) { first, _ in first }
      let folder = try ExampleFolder([], files: part.map(\.file), for: model)
      failures += folder.failures
      points += try model.points(of: folder.inputs, at: layer)
      for (file, input) in zip(folder.files, folder.inputs) {
        let known = labels[file] ?? []
        let label = isPredicted ? [try model.prediction(ofMean: [input]).top.label] : known
        samples.append(Sample(file, labels: label))
      }
      try work.did(part.count)
    }
    guard !samples.isEmpty else {
      throw TooFewExamplesError(
        paths: [], found: 0, unreadable: failures.count,
        reason: failures.first?.reason, needed: 1, purpose: "a search")
    }
    self.samples = samples
    space = try ExampleSpace(points, distance: distance)
  }

  /// The memory that the points take, in bytes.
  public var byteCount: Int { space.count * space.dimensions * MemoryLayout<Float>.stride }

  /// All labels, in alphabetical order.
  public var labels: [String] { Set(samples.flatMap(\.labels)).sorted() }

  /// The places of the files with a label.
  public func members(of label: String) -> [Int] {
    samples.indices.filter { samples[$0].labels.contains(label) }
  }
}

extension Model {
  /// Inputs as points of a layer's space: the mean of each channel.
  func points(of inputs: [Tensor], at layer: String) throws -> [[Float]] {
    try values(at: layer, for: inputs, as: .pooled).map(\.scalars)
  }
}
