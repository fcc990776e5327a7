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
    inputs = Self.scaled(operation.makeInputs(), for: operation.primitive, by: scale)
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

  /// The inputs repeated along the first axis: of the first input alone where the operation accepts
  /// that (the others are then weights), otherwise of all that are as long.
  private static func scaled(
    _ inputs: [Tensor], for primitive: any Primitive, by factor: Int
  ) -> [Tensor] {
    guard factor > 1, let first = inputs.first, first.shape.rank > 0 else { return inputs }
    let same = inputs.map { $0.shape.rank > 0 && $0.shape[0] == first.shape[0] }
    let sets = [inputs.indices.map { $0 == 0 }, same]
    let count = (try? primitive.outputShape(inputs.map(\.shape)).count) ?? 0
    for chosen in sets {
      let shapes = zip(inputs, chosen).map { input, isChosen in
        isChosen ? input.shape.replacing(axis: 0, with: input.shape[0] * factor) : input.shape
      }
      guard let output = try? primitive.outputShape(shapes), output.count <= count * factor else {
        continue
      }
      return zip(inputs, zip(shapes, chosen)).map { input, target in
        target.1 ? repeated(input, as: target.0) : input
      }
    }
    return inputs
  }

  private static func repeated(_ tensor: Tensor, as shape: Shape) -> Tensor {
    tensor.withUnsafePointer { source in
      Tensor(uninitialized: shape) { target in
        for i in 0..<shape.count { target[i] = source[i % tensor.count] }
      }
    }
  }
}
