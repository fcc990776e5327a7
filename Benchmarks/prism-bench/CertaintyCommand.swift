internal import ArgumentParser
internal import Prism
internal import PrismExplain

/// A method that draws at random, and how near it comes to what it estimates.
private struct Estimator {
  /// The method by a number of samples and a seed.
  typealias Maker = (_ samples: Int, _ seed: UInt64) -> any Explainer

  let name: String
  /// What the reference library evaluates by default.
  let reference: Int
  /// What many samples, or all of them, come to.
  let truth: any Explainer
  /// Plain sampling, as the reference library has it.
  let plain: Maker
  /// The method as it is.
  let own: Maker
}

struct CertaintyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "certainty",
    abstract: "How many evaluations methods need that draw at random, and how honest they are.",
    discussion: """
      The error of a map is the root of its mean square difference from what many samples come to: \
      for LIME and KernelSHAP from all subsets of 16 segments (more with --grid, whose truth is \
      drawn). Plain sampling with as many \
      evaluations as the reference library takes by default (lime 1000, shap 2M + 2048, captum's \
      SmoothGrad 50, Xplique's RISE 4000) is what the method's own draws are compared with. The \
      coverage is the share of all numbers whose 95 % interval by Student's t, with one less degrees \
      of freedom than evaluations, holds the truth.
      """)

  @Argument(help: "A weights file.") var file: String

  @Option(help: ArgumentHelp("The picture.", valueName: "file"))
  var picture = "Samples/husky.png"

  @Option(help: ArgumentHelp("Of lime, kernelshap, rise, smoothgrad.", valueName: "names"))
  var methods = "lime,kernelshap,rise,smoothgrad"

  @Option(help: "The rows and columns of segments.") var grid = 4

  @Option(help: "How many seeds errors are measured with.") var seeds = 10

  @Option(help: "How many seeds coverage is measured with; 0 for none.") var coverage = 200

  @Option(help: ArgumentHelp("Shares of the reference's evaluations.", valueName: "numbers"))
  var shares = "0.1,0.2,0.3,0.5,1"

  @Option(help: "At which share coverage is measured.") var coverageShare = 0.3

  @Option(help: "Samples of a truth that is drawn, in those of the reference.")
  var truth = 16

  func run() throws {
    let model = try Model(contentsOf: file)
    let picture = try Image(contentsOf: picture)
    let image = model.explained(picture)
    let target = try model.predict(picture).top
    let wanted = Set(methods.split(separator: ",").map(String.init))
    for estimator in estimators where wanted.contains(estimator.name) {
      try measure(estimator) { explainer in
        try model.explain(image, with: explainer, targets: [target])[0].attribution
      }
    }
  }

  private var estimators: [Estimator] {
    let segments = self.grid * self.grid
    let grid = Segmenter.grid(rows: self.grid, columns: self.grid)
    let isCounted = segments <= 16
    let all = isCounted ? 1 << segments : (2 * segments + 2048) * truth
    return [
      Estimator(
        name: "lime", reference: 1000,
        truth: LIME(
          samples: all, segmenter: grid, ridge: 0, draws: isCounted ? .stratified : .paired,
          seed: 1 << 40),
        plain: { LIME(samples: $0, segmenter: grid, draws: .independent, seed: $1) },
        own: { LIME(samples: $0, segmenter: grid, draws: .stratified, seed: $1) }),
      Estimator(
        name: "kernelshap", reference: 2 * segments + 2048,
        truth: KernelSHAP(samples: all, segmenter: grid, draws: .weighted, seed: 1 << 40),
        plain: { KernelSHAP(samples: $0, segmenter: grid, draws: .weighted, seed: $1) },
        own: { KernelSHAP(samples: $0 - 2, segmenter: grid, draws: .stratified, seed: $1) }),
      Estimator(
        name: "rise", reference: 4000,
        truth: RISE(samples: 4000 * truth, draws: .independent, seed: 1 << 40),
        plain: { RISE(samples: $0, draws: .independent, seed: $1) },
        own: { RISE(samples: $0, draws: .paired, seed: $1) }),
      Estimator(
        name: "smoothgrad", reference: 50,
        truth: SmoothGrad(samples: 50 * truth, seed: 1 << 40),
        plain: { SmoothGrad(samples: $0, seed: $1) }, own: { SmoothGrad(samples: $0, seed: $1) }),
    ]
  }

  private func measure(
    _ estimator: Estimator, _ explain: (any Explainer) throws -> Attribution
  ) throws {
    let truth = try explain(estimator.truth)
    let errors = truth.standardErrors
    let doubt = Self.meanSquare(errors)
    func error(_ make: Estimator.Maker, _ samples: Int) throws -> Double {
      let squares = try (0..<seeds).map { seed in
        let map = try explain(make(samples, UInt64(seed)))
        return Self.meanSquare(zip(map.numbers, truth.numbers).map { $0 - $1 })
      }
      // The truth's own error is independent of the map's.
      return max(squares.reduce(0, +) / Double(seeds) - doubt, 0).squareRoot()
    }
    let plain = try error(estimator.plain, estimator.reference)
    print(estimator.name, ": plain, ", estimator.reference, " evaluations: ", plain, separator: "")
    for share in shares.split(separator: ",").compactMap({ Double($0) }) {
      let samples = Self.samples(share, of: estimator)
      let error = try error(estimator.own, samples)
      print("  ", samples, " evaluations: ", error, ", ", error / plain, " of it", separator: "")
    }
    guard coverage > 0 else { return }
    let samples = Self.samples(coverageShare, of: estimator)
    var (inside, count) = (0, 0)
    for seed in 0..<coverage {
      let map = try explain(estimator.own(samples, UInt64(1000 + seed)))
      let stated = map.standardErrors
      for (i, (value, truth)) in zip(map.numbers, truth.numbers).enumerated() {
        let error = (stated[i] * stated[i] + errors[i] * errors[i]).squareRoot()
        let difference = abs(value - truth)
        let isInside =
          error > 0
          ? twoSidedStudentT(difference / error, freedom: Double(samples - 1)) >= 0.05
          : difference == 0
        inside += isInside ? 1 : 0
        count += 1
      }
    }
    print(
      "  coverage of 95 % intervals with ", samples, ": ",
      Double(inside) / Double(count), " (", coverage, " seeds)", separator: "")
  }

  private static func samples(_ share: Double, of estimator: Estimator) -> Int {
    Int((share * Double(estimator.reference) / 2).rounded()) * 2
  }

  private static func meanSquare(_ values: [Double]) -> Double {
    values.reduce(0) { $0 + $1 * $1 } / Double(max(values.count, 1))
  }
}

extension Attribution {
  /// The numbers of the segments, or of the pixels where there are none.
  fileprivate var numbers: [Double] { segments?.values ?? values.scalars.map(Double.init) }

  /// Their standard errors; zero where none is stated.
  fileprivate var standardErrors: [Double] {
    segments?.standardErrors ?? standardError?.scalars.map(Double.init)
      ?? [Double](repeating: 0, count: numbers.count)
  }
}
