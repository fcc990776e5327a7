internal import ArgumentParser
internal import Prism
internal import PrismModels
internal import PrismRuntime

struct StepsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "steps",
    abstract: "The steps of a network's plan, each by itself, for one image.")

  @Argument(help: "A weights file.") var file: String

  @Option(help: "How often the network is run; the least time counts.") var repeats = 20

  @Option(help: "Among how many threads a step is divided.") var threads = 1

  @Option(help: "How much rounding is allowed: standard, careful or strict; else the model's own.")
  var precision: String?

  func validate() throws {
    if let precision, Plan.Precision(rawValue: precision) == nil {
      throw ValidationError("--precision is one of standard, careful and strict")
    }
  }

  func run() throws {
    let model = try Model(contentsOf: file)
    let plan = try Plan(
      try Network(model.card, weights: model.file).record(),
      precision: precision.flatMap(Plan.Precision.init) ?? Model.precision(of: model.card))
    let steps = try plan.profile(
      model.randomInputs(1), repeats: max(1, repeats), threads: max(1, threads))
    Self.show(steps)
  }

  /// Prints steps with their times and the sum.
  static func show(_ steps: [Plan.StepTime]) {
    let total = steps.reduce(0) { $0 + $1.seconds }
    for step in steps {
      let rate = step.flops > 0 ? "\(Int(Double(step.flops) / step.seconds / 1e9))" : ""
      print(
        padded("\(Int(step.seconds * 1e6))", to: 8), padded(rate, to: 6), " ", step.description)
    }
    print(padded("\(Int(total * 1e6))", to: 8), " µs in all; columns: µs, GFLOP/s by definition")
  }

  private static func padded(_ text: String, to width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
