internal import ArgumentParser
internal import Prism

/// The explanations that are measured, by the names they have on the command line.
enum Explanations {
  /// Every method with its defaults.
  static var all: [any Explainer] { ExplanationMethod.allCases.map { $0.explainer() } }

  /// The method with a name.
  static func named(_ name: String) throws -> any Explainer {
    guard let found = ExplanationMethod(rawValue: name) else {
      let names = ExplanationMethod.allCases.map(\.rawValue).joined(separator: ", ")
      throw BenchError.badRequest("there is no method called \(name); there are \(names)")
    }
    return found.explainer()
  }
}

/// A picture and one that differs from it in a pixel.
///
/// They are explained in turns, so that no call finds what the one before it computed.
struct Turns {
  private let images: [Image]
  private var turn = 0

  init(_ image: Image) {
    var pixels = image.pixels
    if !pixels.isEmpty { pixels[0] ^= 1 }
    images = [Image(width: image.width, height: image.height, exactly: pixels), image]
  }

  /// The one whose turn it is; the picture itself in every second call.
  mutating func next() -> Image {
    turn += 1
    return images[(turn - 1) % 2]
  }
}

struct ExplanationsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explanations",
    abstract: "Whole explanations of one picture, beside a forward pass of the same model.")

  @Argument(help: "Weights files.") var files: [String]

  @Option(help: ArgumentHelp("The picture.", valueName: "file"))
  var picture = "Samples/husky.png"

  @OptionGroup var options: Options

  func run() throws {
    let isWanted = try options.matcher()
    let image = try Image(contentsOf: picture)
    var report = try options.report("explanations")
    for path in files {
      let model = try Model(contentsOf: path)
      let target = try model.predict(image).top
      if isWanted("\(model.card.name), prediction") {
        report.add(
          Row(
            name: "\(model.card.name), prediction",
            timing: try options.effort.measure { sink(try model.predict(image)) }))
      }
      for explainer in Explanations.all {
        let name = "\(model.card.name), \(explainer.name)"
        guard isWanted(name) else { continue }
        var turns = Turns(image)
        report.add(
          Row(
            name: name,
            timing: try options.effort.measure {
              sink(try model.explain(turns.next(), with: explainer, target: target))
            }))
      }
    }
    try report.write(to: options.json)
  }
}
