internal import ArgumentParser
internal import Prism
internal import PrismAutodiff
internal import PrismModels
internal import PrismRuntime

struct GradientsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gradients",
    abstract: "Gradients at the input beside forward passes of the same batch.")

  @Argument(help: "A weights file.") var file: String

  @Option(help: ArgumentHelp("The number of images in a batch.", valueName: "count"))
  var batch = 8

  @Option(help: ArgumentHelp("How often both are measured; medians count.", valueName: "count"))
  var repeats = 15

  @Option(help: ArgumentHelp("The number of threads.", valueName: "threads"))
  var threads: Int?

  @Flag(help: "Print the steps of the plan, each by itself, for one image, too.") var steps = false

  func validate() throws {
    if batch < 1 || repeats < 1 || (threads ?? 1) < 1 {
      throw ValidationError("all numbers must be at least 1")
    }
  }

  func run() throws {
    if let threads { Threads.count = threads }
    let model = try Model(contentsOf: file)
    let recording = try Network(model.card, weights: model.file).record()
    let precision = Model.precision(of: model.card)
    let classifier = PlannedClassifier(recording, defaultLayer: "", precision: precision)
    let images = model.randomInputs(batch)
    let passes = (0..<batch).map { ForwardPass(images.slice($0)) }
    func forward() throws { sink(try classifier.logits(images)) }
    func gradient() throws {
      sink(try classifier.backward(from: [0], to: nil, passes: passes, rule: ExactRule()))
    }
    // The first calls make the plans. Both are measured in turn, so that they see the same machine.
    try forward()
    try gradient()
    var samples: (forward: [Double], gradient: [Double]) = ([], [])
    for _ in 0..<repeats {
      samples.forward.append(try time(forward))
      samples.gradient.append(try time(gradient))
    }
    let (first, second) = (Timing(samples.forward), Timing(samples.gradient))
    line("a forward pass, ms an image", first.median * 1e3 / Double(batch))
    line("a gradient, ms an image", second.median * 1e3 / Double(batch))
    line("forward passes a gradient", second.median / first.median)
    line("the highest memory, MB", Double(Memory.highest) / 1e6)
    if steps {
      let profile = try PlannedClassifier.profileOfGradient(
        recording, precision: precision, image: images.slice(0), repeats: repeats,
        threads: threads ?? 1)
      StepsCommand.show(profile)
    }
  }

  private func line(_ title: String, _ number: Double) {
    print("\(title):".padded(to: 34) + fixed(number, 2).padded(to: 10, atEnd: false))
  }
}
