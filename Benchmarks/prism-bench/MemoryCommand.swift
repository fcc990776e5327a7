internal import ArgumentParser
internal import Prism
internal import PrismModels
internal import PrismRuntime

struct MemoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "memory",
    abstract: "Resident memory before and after many batches: it must not grow.")

  @Argument(help: "A weights file.") var file: String

  @Option(help: ArgumentHelp("How many batches are computed.", valueName: "count"))
  var batches = 1000

  @Option(help: ArgumentHelp("The number of images in a batch.", valueName: "count"))
  var batch = 16

  @Option(help: ArgumentHelp("The number of threads.", valueName: "threads"))
  var threads: Int?

  func validate() throws {
    if batches < 1 || batch < 1 || (threads ?? 1) < 1 {
      throw ValidationError("all numbers must be at least 1")
    }
  }

  func run() throws {
    if let threads { Threads.count = threads }
    line("at the start", Memory.resident)
    let model = try Model(contentsOf: file)
    line("with the model", Memory.resident)
    let inputs = model.randomInputs(batch)
    line("with the inputs", Memory.resident)
    // Ten batches bring the weights and the buffers into memory.
    for _ in 0..<min(10, batches) { sink(try model.logits(inputs)) }
    let before = Memory.resident
    line("after \(min(10, batches)) batches of \(batch)", before)
    for _ in 0..<batches { sink(try model.logits(inputs)) }
    let after = Memory.resident
    line("after \(batches) more", after)
    line("the highest", Memory.highest)
    line("growth", after - before)
    let weights = PackedWeights()
    let plan = try Plan(try Network(model.card, weights: model.file).record(), weights: weights)
    line("of it packed weights", weights.byteCount)
    line("of it the plan's workspace", plan.workspaceSize(images: batch, threads: Threads.count))
  }

  private func line(_ title: String, _ bytes: Int) {
    let megabytes = fixed(Double(bytes) / 1e6, 1).padded(to: 10, atEnd: false)
    print("\(title):".padded(to: 34) + megabytes + " MB")
  }
}
