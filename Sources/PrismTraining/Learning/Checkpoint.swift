package import PrismFiles
package import PrismTensor
package import PrismWeights

/// The state of training between two epochs: all that the rest of it depends on.
package struct Checkpoint {
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
  private static let digestKey = "prism.checkpoint.sha256"
  /// The largest number of epochs and steps that is believed.
  private static let countLimit = 1_000_000_000_000

  /// Makes the state before the first epoch.
  init(monitor: Monitor) { curve.monitor = monitor }

  /// Goes on to a phase, from the best epoch.
  mutating func begin(_ phase: EpochRecord.Phase) {
    self.phase = phase
    epochsOfPhase = 0
    current = best
    (first, second, optimizerSteps) = ([:], [:], 0)
  }

  // MARK: - Writing

  /// Writes the checkpoint, whole or not at all.
  ///
  /// - Parameters:
  ///   - path: The path of the file.
  ///   - fingerprint: What must be the same when training goes on.
  /// - Throws: `WeightError`.
  func write(to path: String, fingerprint: [JSON.Member]) throws {
    try writer(fingerprint: fingerprint).write(to: path)
  }

  /// The file that holds the checkpoint.
  ///
  /// - Parameter fingerprint: What must be the same when training goes on.
  /// - Returns: A writer with everything.
  package func writer(fingerprint: [JSON.Member]) -> SafetensorsWriter {
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
              record.validationAveragePrecision.map(JSON.number) ?? .null,
            ])
          })),
    ])
    let text = state.description
    var writer = SafetensorsWriter(
      metadata: [Self.key: text, Self.digestKey: Self.digest(text, groups)])
    for (prefix, tensors) in groups {
      for (name, tensor) in tensors { writer.add(prefix + name, tensor) }
    }
    return writer
  }

  private var groups: [(String, [String: Tensor])] {
    [("current/", current), ("best/", best), ("first/", first), ("second/", second)]
  }

  /// The digest of a state and its tensors, names and shapes too.
  private static func digest(_ state: String, _ groups: [(String, [String: Tensor])]) -> String {
    var digest = SHA256()
    func add(_ text: String) { Array((text + "\n").utf8).withUnsafeBytes { digest.update($0) } }
    add(state)
    for (prefix, tensors) in groups {
      for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
        add("\(prefix)\(name) \(tensor.shape)")
        tensor.withUnsafeBufferPointer { digest.update(UnsafeRawBufferPointer($0)) }
      }
    }
    return digest.hexadecimalDigest()
  }

  // MARK: - Reading

  /// Reads a checkpoint.
  ///
  /// - Parameters:
  ///   - file: The file.
  ///   - fingerprint: What must be the same as when it was written.
  ///   - parameters: All parameters of the network, whose shapes its tensors must have.
  ///   - monitor: What tells the best epoch.
  ///   - checksDigest: Whether it must be as it was written; only the fuzzer looks beyond that.
  /// - Throws: ``TrainingError`` where it belongs to another run or is not as it was written;
  ///   `WeightError`.
  package init(
    _ file: SafetensorsFile, fingerprint: [JSON.Member], parameters: [String: Tensor],
    monitor: Monitor, checksDigest: Bool = true
  ) throws {
    let path = file.path
    func bad(_ reason: String) -> TrainingError { .badCheckpoint(path, reason: reason) }
    guard let text = file.metadata[Self.key] else { throw bad("it holds no state of training") }
    guard let state = try? JSONReader.parse(text), case .object = state else {
      throw bad("its state is no JSON object")
    }
    guard let run = state["run"] else { throw bad("it does not say of what run") }
    for member in fingerprint where run[member.name] != member.value {
      throw TrainingError.otherRun(path, field: member.name)
    }
    curve.monitor = monitor
    do {
      try take(state)
      try take(file, parameters)
    } catch let error as Flaw {
      throw bad(error.reason)
    }
    guard !checksDigest || file.metadata[Self.digestKey] == Self.digest(text, groups) else {
      throw bad("it is not as it was written: its digest differs")
    }
  }

  /// What is wrong with a checkpoint.
  private struct Flaw: Error {
    let reason: String
  }

  private mutating func take(_ state: JSON) throws {
    func count(_ name: String) throws -> Int {
      guard case .integer(let value)? = state[name], (0...Self.countLimit).contains(value) else {
        throw Flaw(reason: "its field \"\(name)\" is no number of steps or epochs")
      }
      return value
    }
    guard let phase = state["phase"]?.string.flatMap(EpochRecord.Phase.init) else {
      throw Flaw(reason: "its state names no phase")
    }
    self.phase = phase
    epochsOfPhase = try count("epochsOfPhase")
    steps = try count("steps")
    optimizerSteps = try count("optimizerSteps")
    for (place, epoch) in (state["epochs"]?.elements ?? []).enumerated() {
      let fields = epoch.elements
      let numbers = fields.map(\.double)
      guard fields.count == 7, let phase = fields[0].string.flatMap(EpochRecord.Phase.init),
        fields[1] == .integer(place + 1), let training = numbers[2],
        let validation = numbers[3], let accuracy = numbers[4]
      else { throw Flaw(reason: "epoch \(place + 1) lacks a field") }
      curve.epochs.append(
        EpochRecord(
          phase: phase, epoch: place + 1, trainingLoss: training, validationLoss: validation,
          validationAccuracy: accuracy, validationAUC: numbers[5],
          validationAveragePrecision: numbers[6]))
    }
    guard curve.epochs.count(where: { $0.phase == phase }) == epochsOfPhase else {
      throw Flaw(reason: "its epochs are not as many as it says")
    }
  }

  private mutating func take(_ file: SafetensorsFile, _ parameters: [String: Tensor]) throws {
    for entry in file.entries {
      guard let slash = entry.name.firstIndex(of: "/") else {
        throw Flaw(reason: "a tensor has no group")
      }
      let name = String(entry.name[entry.name.index(after: slash)...])
      guard parameters[name]?.shape == entry.shape else {
        throw Flaw(reason: "a tensor is none of the network's: \(Text.quoted(name))")
      }
      let tensor = try file.tensor(entry.name)
      switch entry.name[..<slash] {
      case "current": current[name] = tensor
      case "best": best[name] = tensor
      case "first": first[name] = tensor
      case "second": second[name] = tensor
      default: throw Flaw(reason: "a tensor has an unknown group")
      }
    }
  }
}
