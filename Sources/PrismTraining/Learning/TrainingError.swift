internal import PrismFiles

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// Why a network cannot be trained.
public enum TrainingError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A chain of layers for a head cannot be understood.
  case badHead(String, reason: String)
  /// The base ends in logits, with no head that could be replaced.
  case noHead(String)
  /// The base has no layer of that name.
  case noLayer(String, nearest: String?)
  /// The labels of the data do not fit the task.
  case wrongTask(String, reason: String)
  /// The loss became infinite or NaN.
  case diverged(phase: String, epoch: Int)
  /// A checkpoint was made with other options, other data or another base.
  case otherRun(String, field: String)
  /// A checkpoint holds something else than a checkpoint.
  case badCheckpoint(String, reason: String)
  /// There is no checkpoint to go on from.
  case noCheckpoint(String)
  /// Training was stopped before the first epoch was over.
  case nothingLearnt(String)
  /// What is to be watched is not defined on the validation split.
  case unmeasurable(monitor: String)
  /// Labels of the data are unknown to the model.
  case otherLabels(String, model: [String], data: [String])
  /// Inputs and what is true of them do not fit each other or the network.
  case unfitData(String)

  /// One line that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .badHead(let part, let reason): "the head's layer \(Text.quoted(part)) \(reason)"
    case .noHead(let path):
      "\(path): the network's nodes end in its logits, so that it has no head to train anew; "
        + "use a base whose card states a head"
    case .noLayer(let name, let nearest):
      "the base has no layer called \(Text.quoted(name))"
        + (nearest.map { "; did you mean \($0)?" } ?? "; `prism layers` lists the names")
    case .wrongTask(let task, let reason): "the task \(task) does not fit the data: \(reason)"
    case .diverged(let phase, let epoch):
      "the loss is not finite in epoch \(epoch) of \(phase); use a smaller --learning-rate"
    case .otherRun(let path, let field):
      "\(path): the checkpoint was made with another \(field); "
        + "start without --resume, or go back"
    case .badCheckpoint(let path, let reason):
      "\(path): not a checkpoint that can be continued (\(reason)); start without --resume"
    case .noCheckpoint(let path):
      "\(path): there is no checkpoint to go on from; start without --resume"
    case .nothingLearnt(let path):
      "stopped before the first epoch was over, so \(path) is not written"
    case .unmeasurable(let monitor):
      "\(monitor) is not defined on the validation split, which has no label with positive and "
        + "negative samples; use --monitor loss"
    case .otherLabels(let path, let model, let data):
      "\(path): the data have the labels \(list(data)), the model has \(list(model))"
    case .unfitData(let reason): reason
    }
  }

  private func list(_ names: [String]) -> String {
    names.prefix(10).map(Text.printable).joined(separator: ", ") + (names.count > 10 ? ", …" : "")
  }
}

extension TrainingError: LocalizedError {
  /// The line that ``description`` gives.
  public var errorDescription: String? { description }
}
