internal import ArgumentParser
internal import Prism
internal import PrismAutodiff
internal import PrismOperationCases

struct OperationsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "operations",
    abstract: "Every operation's value and pullback, from the table that the tests use.",
    discussion: """
      The table's shapes are small, as tests need them. --scale repeats the inputs along the \
      batch axis; operations that state their shape keep it.
      """)

  @Option(help: ArgumentHelp("How many times larger batches are.", valueName: "factor"))
  var scale = 1

  @OptionGroup var options: Options

  func validate() throws {
    if !(1...1_000_000).contains(scale) {
      throw ValidationError("--scale must be from 1 to 1000000")
    }
  }

  func run() throws {
    let isWanted = try options.matcher()
    var report = try options.report("operations")
    for operation in OperationCase.all {
      let sample = Sample(operation, scale: scale)
      if isWanted(sample.name + ", value") { report.add(sample.value(options.effort)) }
      if operation.wanted.contains(true), isWanted(sample.name + ", pullback") {
        report.add(sample.pullback(options.effort))
      }
    }
    try report.write(to: options.json)
  }
}

/// One case of an operation with its inputs.
private struct Sample {
  let name: String
  let primitive: any Primitive
  let inputs: [Tensor]
  let wanted: [Bool]

  init(_ operation: OperationCase, scale: Int) {
    primitive = operation.primitive
    wanted = operation.wanted
    inputs = operation.makeInputs(scale: scale)
    let shapes = inputs.map(\.shape.description).joined(separator: ", ")
    let label = operation.label.isEmpty ? "" : operation.label + " "
    name = "\(operation.primitive.name) \(label)(\(shapes))"
  }

  func value(_ effort: Effort) -> Row {
    let output = primitive.forward(inputs)
    let timing = effort.measure { sink(primitive.forward(inputs)) }
    return Row(
      name: name + ", value", timing: timing,
      flops: primitive.flops(inputs.map(\.shape), output: output.shape),
      bytes: 4 * (inputs.reduce(output.count) { $0 + $1.count }))
  }

  func pullback(_ effort: Effort) -> Row {
    let output = primitive.forward(inputs)
    var random = SeededRandom(seed: 1)
    let cotangent = Tensor.normal(output.shape, using: &random)
    let timing = effort.measure {
      sink(primitive.pullback(cotangent, inputs: inputs, output: output, wanted: wanted))
    }
    return Row(name: name + ", pullback", timing: timing)
  }
}
