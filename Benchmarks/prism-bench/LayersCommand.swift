internal import ArgumentParser
internal import Prism
internal import PrismAutodiff
internal import PrismRuntime

struct LayersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "layers",
    abstract: "The layers of the networks, by the tables in Benchmarks/layers.",
    discussion: """
      --write makes the tables again from the networks, --check tells whether they are up to date.
      """)

  @Option(help: ArgumentHelp("Where the tables are.", valueName: "dir"))
  var folder = "Benchmarks/layers"

  @Option(help: ArgumentHelp("The number of images in a batch.", valueName: "count"))
  var batch = 1

  @Flag(help: "Write the tables instead of measuring.") var write = false
  @Flag(help: "Compare the tables with the networks instead of measuring.") var check = false

  @OptionGroup var options: Options

  func validate() throws {
    if !(1...4096).contains(batch) { throw ValidationError("--batch must be from 1 to 4096") }
    if write && check { throw ValidationError("--write and --check exclude each other") }
  }

  func run() throws {
    if write || check { return try compareTables() }
    let isWanted = try options.matcher()
    var report = try options.report("layers")
    for architecture in Zoo.architectures {
      for layer in try read(path(architecture)) {
        guard isWanted(layer.title) else { continue }
        report.add(try measure(layer))
      }
    }
    try report.write(to: options.json)
  }

  /// Measures a layer as a plan computes it, with the kernel that the plan chooses.
  private func measure(_ layer: Layer) throws -> Row {
    let (primitive, inputs) = layer.operation(batch: batch)
    let images = inputs[0]
    let recording = try Recording(input: images.shape.replacing(axis: 0, with: 1)) { image in
      image.applying(
        primitive,
        inputs.dropFirst().enumerated().map { image.parameter($1, named: "parameter \($0)") })
    }
    let plan = try Plan(recording)
    let output = try plan(images)[0]
    return Row(
      name: layer.title, timing: try options.effort.measure { sink(try plan(images)[0]) },
      flops: primitive.flops(inputs.map(\.shape), output: output.shape),
      bytes: 4 * inputs.reduce(output.count) { $0 + $1.count }, images: batch)
  }

  private func compareTables() throws {
    for architecture in Zoo.architectures {
      let layers = Layer.table(
        try Zoo.recording(architecture), network: architecture.rawValue)
      let text = ([Layer.header] + layers.map(\.line)).joined(separator: "\n") + "\n"
      let path = path(architecture)
      if write {
        try AtomicFile.write(text, to: path)
        print("\(path): \(layers.count) sizes of layers")
      } else if try String(decoding: Files.read(path), as: UTF8.self) != text {
        throw BenchError.staleTable(path)
      }
    }
  }

  private func path(_ architecture: ModelCard.Architecture) -> String {
    "\(folder)/\(architecture.rawValue).csv"
  }

  private func read(_ path: String) throws -> [Layer] {
    let lines = try String(decoding: Files.read(path), as: UTF8.self).split(separator: "\n")
    return try lines.enumerated().dropFirst().map { number, line in
      guard let layer = Layer(line: line) else { throw BenchError.badTable(path, line: number + 1) }
      return layer
    }
  }
}

extension Layer {
  /// What the layer is called in reports.
  fileprivate var title: String {
    let window = kernel > 1 ? " \(kernel)×\(kernel)" : ""
    let step = stride > 1 ? " stride \(stride)" : ""
    return "\(network) \(kind.rawValue)\(window)\(step) \(height)×\(width)×\(inputs)→\(outputs)"
      + (count > 1 ? " (\(count) times)" : "")
  }
}
