internal import ArgumentParser
internal import Prism
internal import PrismModels

struct TrainingCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "training",
    abstract: "A step of training all parameters of a network: forward, backward, update.",
    discussion: "Normalisations are in inference mode, as in fine-tuning. Times are a picture's.")

  @Argument(help: "Weights files.") var files: [String]

  @Option(help: ArgumentHelp("The number of images in a step.", valueName: "count"))
  var batch = 16

  @OptionGroup var options: Options

  func validate() throws {
    if !(1...4096).contains(batch) { throw ValidationError("--batch must be from 1 to 4096") }
  }

  func run() throws {
    let isWanted = try options.matcher()
    var report = try options.report("training")
    for path in files {
      let model = try Model(contentsOf: path)
      let name = "\(model.card.name), batch \(batch)"
      guard isWanted(name) else { continue }
      let training = try TrainingStep(path, inputs: model.randomInputs(batch))
      report.add(
        Row(
          name: name, timing: try options.effort.measure { _ = try training.run() },
          // A backward pass computes two products for each of the forward pass.
          flops: 3 * (try training.flops) * batch, images: batch))
    }
    try report.write(to: options.json)
  }
}

/// A network whose parameters are all trained, on one batch.
final class TrainingStep {
  private var learner: Learner
  private var optimizer = Optimizer(.adam(), rate: 1e-5)
  private let features: [Tensor]
  private let truths: [DataSet.Truth]

  /// Opens a network; picture i has the label i modulo the number of labels.
  init(_ path: String, inputs: Tensor) throws {
    let file = try SafetensorsFile(contentsOf: path)
    var card = try file.card()
    card.head.removeAll { if case .dropout = $0 { true } else { false } }
    let network = try Network(card, weights: file)
    var tensors: [String: Tensor] = [:]
    for entry in file.entries { tensors[entry.name] = try file.tensor(entry.name) }
    let trained = tensors.keys.filter { !$0.contains(".running_") }
    learner = try Learner(
      network, parameters: tensors, trained: Set(trained),
      objective: Objective(.multiclass, labelCount: card.labels.count))
    features = (0..<inputs.shape[0]).map(inputs.slice)
    truths = features.indices.map { .label($0 % card.labels.count) }
  }

  /// The operations of one picture's forward pass.
  var flops: Int { get throws { try learner.trainedFlops } }

  /// Makes a step and returns the loss before it.
  func run() throws -> Double {
    try learner.step(features: features, truths: truths, optimizer: &optimizer, seed: 0)
  }
}
