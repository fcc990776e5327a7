#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// Why a model cannot be used as asked.
public enum ModelError: Error, Equatable, Sendable, CustomStringConvertible, LocalizedError {
  /// The card has another number of labels than the network has outputs.
  case labelCount(labels: Int, outputs: Int)
  /// The card describes another input than the network takes.
  case inputShape(card: Shape, network: Shape)
  /// No value of the network has the name.
  case unknownLayer(String, nearest: String?)
  /// The model has no label of that name.
  case unknownLabel(String, nearest: String?)
  /// The logits are infinite or NaN.
  case notFinite
  /// The model is not given such inputs.
  case wrongInput(String)
  /// A window of a sound that cannot be explained.
  case window(String)
  /// The address is not that of a file.
  case notAFile(String)
  /// The file holds the tensors of a network that a program records itself.
  case customNetwork(String)
  /// The network has one input and one output, and the recording has others.
  case recording(inputs: Int, outputs: Int)

  /// One line that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .labelCount(let labels, let outputs):
      "the model card names \(labels) labels and the network has \(outputs) outputs; "
        + "name one label an output"
    case .inputShape(let card, let network):
      "the model card describes inputs of the shape \(card) and the network takes \(network); "
        + "give both the same height and width"
    case .unknownLayer(let name, let nearest):
      "the model has no layer called \(name)"
        + (nearest.map { "; did you mean \($0)?" } ?? "; `prism layers` lists the names")
    case .unknownLabel(let name, let nearest):
      "the model has no label called \(name)"
        + (nearest.map { "; did you mean \($0)?" } ?? "; its card lists the labels")
    case .notFinite:
      "the network computes numbers that are not finite for this input; its weights are broken"
    case .wrongInput(let kind):
      "the model takes no \(kind)"
    case .window(let reason):
      reason
    case .notAFile(let address):
      "\(address) is not the address of a file; fetch it first and open the copy"
    case .customNetwork(let path):
      "\(path): the network is one that a program records; open it there, with "
        + "Model(contentsOf:network:)"
    case .recording(let inputs, let outputs):
      "the recording has \(inputs) inputs and \(outputs) outputs; a model has one of each"
    }
  }

  /// The ``description``.
  public var errorDescription: String? { description }
}
