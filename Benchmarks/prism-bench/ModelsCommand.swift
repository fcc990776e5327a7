internal import ArgumentParser
internal import Prism
internal import PrismAutodiff
internal import PrismModels

struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "Whole networks; times are a picture's.")

  @Argument(help: "Weights files.") var files: [String]

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("The numbers of images in a batch.", valueName: "counts"))
  var batch = [1, 16]

  @OptionGroup var options: Options

  func validate() throws {
    if !batch.allSatisfy((1...4096).contains) {
      throw ValidationError("--batch must be from 1 to 4096")
    }
  }

  func run() throws {
    let isWanted = try options.matcher()
    var report = try options.report("models")
    for path in files {
      let model = try Model(contentsOf: path)
      let flops = try Network(model.card, weights: model.file).record().flops
      for count in batch {
        let name = "\(model.card.name), batch \(count)"
        guard isWanted(name) else { continue }
        let inputs = model.randomInputs(count)
        report.add(
          Row(
            name: name, timing: try options.effort.measure { sink(try model.logits(inputs)) },
            flops: flops * count, images: count))
      }
    }
    try report.write(to: options.json)
  }
}

extension Model {
  /// Inputs of the network's size, filled with random numbers that are the same at every call.
  func randomInputs(_ count: Int) -> Tensor {
    let size = card.input.image
    var random = SeededRandom(seed: 1)
    return .uniform(
      [count, size.height, size.width, size.channelCount], in: -2..<2, using: &random)
  }
}
