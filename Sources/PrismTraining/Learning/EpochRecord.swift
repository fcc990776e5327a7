/// What one epoch of training showed.
public struct EpochRecord: Sendable, Equatable, Codable {
  /// A phase in which parameters change.
  public enum Phase: String, Sendable, Codable {
    /// Only the head is trained.
    case warmup = "warm-up"
    /// The head and the last layers of the base are trained.
    case fineTuning = "fine-tuning"
  }

  /// The phase.
  public let phase: Phase
  /// The number of the epoch over all phases, from 1.
  public let epoch: Int
  /// The mean loss of the steps.
  public let trainingLoss: Double
  /// The loss on the validation split.
  public let validationLoss: Double
  /// The share of right decisions on the validation split.
  public let validationAccuracy: Double
  /// The AUC on the validation split, the mean over labels where there are several; `nil` where it
  /// is not defined.
  public let validationAUC: Double?
  /// The average precision on the validation split, as the AUC.
  public let validationAveragePrecision: Double?
}
