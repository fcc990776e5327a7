internal import PrismAutodiff
internal import PrismModels
internal import PrismRuntime

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// A classifier with its labels and the rule for its input: predicts and explains.
///
/// A model may be used from any number of tasks at once; every one gets the same bits as alone.
public struct Model: Sendable {
  /// What the weights file says about the model.
  public let card: ModelCard
  /// The weights file; for a network of one's own one that is in memory alone.
  public let file: SafetensorsFile
  let classifier: PlannedClassifier

  /// Opens a weights file.
  ///
  /// The file is mapped into memory, not read: its pages come as they are needed.
  ///
  /// - Parameter path: A file made by the converter or by training.
  /// - Throws: `WeightError` where the file is damaged or does not fit its card; ``ModelError``.
  public init(contentsOf path: String) throws {
    try self.init(SafetensorsFile(contentsOf: path))
  }

  /// Opens a weights file.
  ///
  /// - Parameter url: The address of a file made by the converter or by training.
  /// - Throws: ``ModelError/notAFile(_:)``; what ``init(contentsOf:)-(String)`` throws.
  public init(contentsOf url: URL) throws {
    guard url.isFileURL else { throw ModelError.notAFile(url.absoluteString) }
    try self.init(contentsOf: url.path)
  }

  /// Opens the contents of a weights file.
  ///
  /// - Parameters:
  ///   - bytes: What the file holds; they are copied.
  ///   - name: What errors call them.
  /// - Throws: What ``init(contentsOf:)-(String)`` throws.
  public init(bytes: [UInt8], name: String = "the model in memory") throws {
    try self.init(SafetensorsFile(MappedFile(copying: bytes, path: name)))
  }

  /// Opens a weights file that is already mapped.
  ///
  /// - Parameter file: The weights, with a card.
  /// - Throws: What ``init(contentsOf:)-(String)`` throws.
  public init(_ file: SafetensorsFile) throws {
    let card = try file.card()
    guard card.architecture != .custom else { throw ModelError.customNetwork(file.path) }
    try self.init(Network(card, weights: file).record(), card: card, file: file)
  }

  /// Puts the parts together.
  ///
  /// - Parameters:
  ///   - recording: Its tensors are those of the file.
  ///   - card: Describes the recording.
  ///   - file: Holds the recording's tensors.
  /// - Throws: ``ModelError`` where the parts do not fit each other.
  init(_ recording: Recording, card: ModelCard, file: SafetensorsFile) throws {
    guard recording.inputs.count == 1, recording.outputs.count == 1 else {
      throw ModelError.recording(inputs: recording.inputs.count, outputs: recording.outputs.count)
    }
    let input = recording[recording.inputs[0]].shape
    let described: Shape = [
      1, card.input.image.height, card.input.image.width, card.input.image.channelCount,
    ]
    guard input == described else {
      throw ModelError.inputShape(card: described, network: input)
    }
    let outputs = recording[recording.outputs[0]].shape
    guard outputs == [1, card.labels.count] else {
      throw ModelError.labelCount(labels: card.labels.count, outputs: outputs.count)
    }
    try Limits.current.check(
      recording.ids.map { recording[$0].shape.count }.max() ?? 0, .elements,
      of: "\(file.path): a value of the network")
    classifier = PlannedClassifier(
      recording, defaultLayer: card.layers.default, aliases: card.layers.aliases,
      precision: Self.precision(of: card), didPack: file.releasePages)
    self.file = file
    self.card = card
    guard classifier.shape(of: card.layers.default) != nil else {
      throw ModelError.unknownLayer(
        card.layers.default, nearest: Text.nearest(to: card.layers.default, among: layerNames))
    }
  }

  /// How much rounding the plans of a network may trade for speed: of graphs, which may be deeper
  /// than those of the zoo and are compared with other programs, less.
  package static func precision(of card: ModelCard) -> Plan.Precision {
    if case .graph = card.architecture { .careful } else { .standard }
  }

  /// The labels in the order of the outputs.
  public var labels: [String] { card.labels }
}
