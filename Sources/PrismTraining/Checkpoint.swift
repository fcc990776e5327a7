internal import PrismFiles
internal import PrismTensor
internal import PrismWeights

/// The state of training between two epochs: all that the rest of it depends on.
struct Checkpoint {
  /// The state within the current phase.
  var phase = EpochRecord.Phase.warmup
  /// The finished epochs of the phase.
  var epochsOfPhase = 0
  /// The number of steps of the run, which seeds the masks.
  var steps = 0
  /// What the epochs showed.
  var curve = LearningCurve()
  /// All tensors that differ from the base's, by name.
  var current: [String: Tensor] = [:]
  /// The same of the best epoch.
  var best: [String: Tensor] = [:]
  /// The moments of the optimiser and its steps in the phase.
  var first: [String: Tensor] = [:]
  var second: [String: Tensor] = [:]
  var optimizerSteps = 0

  private static let key = "prism.checkpoint"

  /// Writes the checkpoint, whole or not at all.
  ///
  /// - Parameters:
  ///   - path: The path of the file.
  ///   - fingerprint: What must be the same when training goes on.
  /// - Throws: `WeightError`.
  func write(to path: String, fingerprint: [JSON.Member]) throws {
    let state = JSON.object([
      .init(name: "run", value: .object(fingerprint)),
      .init(name: "phase", value: .string(phase.rawValue)),
      .init(name: "epochsOfPhase", value: .integer(epochsOfPhase)),
      .init(name: "steps", value: .integer(steps)),
      .init(name: "optimizerSteps", value: .integer(optimizerSteps)),
      .init(
        name: "epochs",
        value: .array(
          curve.epochs.map { record in
            .array([
              .string(record.phase.rawValue), .integer(record.epoch),
              .number(record.trainingLoss), .number(record.validationLoss),
              .number(record.validationAccuracy),
              record.validationAUC.map(JSON.number) ?? .null,
            ])
          })),
    ])
    var writer = SafetensorsWriter(metadata: [Self.key: state.description])
    for (prefix, tensors) in groups {
      for (name, tensor) in tensors { writer.add(prefix + name, tensor) }
    }
    try writer.write(to: path)
  }

  private var groups: [(String, [String: Tensor])] {
    [("current/", current), ("best/", best), ("first/", first), ("second/", second)]
  }

  init() {}

  /// Reads a checkpoint.
  ///
  /// - Throws: ``TrainingError`` where it belongs to another run; `WeightError`.
  init(contentsOf path: String, fingerprint: [JSON.Member]) throws {
    let file = try SafetensorsFile(contentsOf: path)
    func bad(_ reason: String) -> TrainingError { .badCheckpoint(path, reason: reason) }
    guard let text = file.metadata[Self.key] else { throw bad("it holds no state of training") }
    guard let state = try? JSONReader.parse(text), case .object(let members) = state else {
      throw bad("its state is no JSON object")
    }
    let fields = Dictionary(members.map { ($0.name, $0.value) }) { first, _ in first }
    guard case .object(let run) = fields["run"] else { throw bad("it does not say of what run") }
    let found = Dictionary(run.map { ($0.name, $0.value) }) { first, _ in first }
    for member in fingerprint where found[member.name] != member.value {
      throw TrainingError.otherRun(path, field: member.name)
    }
    guard case .string(let phaseName) = fields["phase"],
      let phase = EpochRecord.Phase(rawValue: phaseName),
      case .integer(let epochsOfPhase) = fields["epochsOfPhase"],
      case .integer(let steps) = fields["steps"],
      case .integer(let optimizerSteps) = fields["optimizerSteps"],
      case .array(let epochs) = fields["epochs"]
    else { throw bad("its state lacks a field") }
    self.phase = phase
    self.epochsOfPhase = epochsOfPhase
    self.steps = steps
    self.optimizerSteps = optimizerSteps
    for epoch in epochs {
      guard case .array(let fields) = epoch, fields.count == 6,
        case .string(let name) = fields[0], let phase = EpochRecord.Phase(rawValue: name),
        case .integer(let number) = fields[1], let training = fields[2].double,
        let validation = fields[3].double, let accuracy = fields[4].double
      else { throw bad("an epoch lacks a field") }
      curve.epochs.append(
        EpochRecord(
          phase: phase, epoch: number, trainingLoss: training, validationLoss: validation,
          validationAccuracy: accuracy, validationAUC: fields[5].double))
    }
    for entry in file.entries {
      guard let slash = entry.name.firstIndex(of: "/") else { throw bad("a tensor has no group") }
      let name = String(entry.name[entry.name.index(after: slash)...])
      let tensor = try file.tensor(entry.name)
      switch entry.name[..<slash] {
      case "current": current[name] = tensor
      case "best": best[name] = tensor
      case "first": first[name] = tensor
      case "second": second[name] = tensor
      default: throw bad("a tensor has an unknown group")
      }
    }
  }
}

extension JSON {
  /// The number, whole or not.
  fileprivate var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}
