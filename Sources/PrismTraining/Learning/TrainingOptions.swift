internal import PrismFiles

/// How a network is trained.
public struct TrainingOptions: Sendable, Equatable, Codable {
  /// The part of the base that is trained after the warm-up.
  public enum FineTuning: Sendable, Equatable, Codable {
    /// Nothing: only the head is trained.
    case none
    /// A layer by its name, and all after it.
    case layer(String)
    /// The last layers with weights, as a share of all, from 0 to 1.
    case share(Double)
  }

  /// The kind of labels.
  public var task = Objective.Task.binary
  /// The chain of the head, such as `pool,dropout:0.3,dense`.
  public var head = "pool,dropout:0.3,dense"
  /// The epochs in which only the head is trained.
  public var warmupEpochs = 5
  /// The most epochs of fine-tuning.
  public var epochs = 20
  /// The part of the base that is fine-tuned.
  public var fineTuning = FineTuning.none
  /// The learning rate of the warm-up.
  public var learningRate = 1e-3
  /// How many times lower the rate of fine-tuning is, 10 to 100 as a rule.
  public var rateDivisor = 10.0
  /// The samples of a step.
  public var batch = 16
  /// Selects the order, the masks, the first weights of the head and the augmentation.
  public var seed: UInt64 = 0
  /// The rule of a step.
  public var method = Optimizer.Method.adam()
  /// The decoupled weight decay.
  public var weightDecay = 0.0
  /// Whether every label counts the same, however many samples it has.
  public var balancesLabels = false
  /// The epochs without progress after which a phase ends; `nil` for never.
  public var patience: Int?
  /// What tells the best epoch, and whether there is progress.
  public var monitor = Monitor.loss
  /// Random changes of the inputs in training, or `nil` for none.
  public var augmentation: Augmentation?
  /// The probability from which a label counts, which goes into the model card.
  public var threshold = 0.5
  /// The share of the positive samples that every label's threshold is to find on the validation
  /// split; `nil` for ``threshold`` as it is.
  public var sensitivity: Double?
  /// The most bytes of features that are kept in memory; with more they are computed in every
  /// epoch.
  public var cacheLimit = 4 << 30

  /// Makes the options that are usual.
  public init() {}

  /// What decides about the bits of the result, by name, for the comparison with a checkpoint.
  var fingerprint: [JSON.Member] {
    let fine =
      switch fineTuning {
      case .none: "none"
      case .layer(let name): name
      case .share(let share): "\(share)"
      }
    let changes = augmentation.map { "\($0.degrees) \($0.translation) \($0.zoom)" } ?? "none"
    return [
      ("task", task.rawValue), ("head", head), ("warm-up epochs", "\(warmupEpochs)"),
      ("epochs", "\(epochs)"), ("fine-tuning", fine), ("learning rate", "\(learningRate)"),
      ("rate divisor", "\(rateDivisor)"), ("batch", "\(batch)"), ("seed", "\(seed)"),
      ("optimizer", "\(method)"), ("weight decay", "\(weightDecay)"),
      ("class weights", "\(balancesLabels)"), ("patience", patience.map(String.init) ?? "none"),
      ("augmentation", changes), ("monitor", monitor.rawValue),
    ].map { JSON.Member(name: $0.0, value: .string($0.1)) }
  }
}
