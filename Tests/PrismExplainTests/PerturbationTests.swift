import PrismAutodiff
import PrismKernels
import PrismRuntime
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismExplain

@Suite("perturbation family")
struct PerturbationTests {
  // MARK: Occlusion and RISE

  @Test("occlusion is captum's, last windows cut at the border")
  func occlusion() throws {
    let shape = [7, 6, 2]
    let image = ExplainedImage(ReferenceValues.pixels(shape))
    let cases = try ReferenceValues.load().occlusion
    #expect(cases.count == 3)
    for it in cases {
      let maps = try Occlusion(window: it.window, stride: it.stride, masker: .constant([1]))
        .explain(image, targets: [0, 1], of: ReferenceValues.polynomials(shape) as any Classifier)
      // Outputs are whole numbers; the mean and its rounding to Float remain.
      expectClose(
        maps[1].values, Tensor([7, 6], it.values.map(Float.init)), tolerance: 2 * epsilon)
    }
  }

  @Test("RISE's masks are those of the authors' program, enlarged by scikit-image")
  func riseMask() throws {
    let it = try ReferenceValues.load().rise
    let masks = try SoftMasks(count: 1, cells: it.cells, probability: 0.5, seed: 0)
      .sized(height: it.height, width: it.width)
    let mask = masks.mask(it.grid, top: it.top, left: it.left)
    expectClose(
      Tensor([it.height, it.width], mask), Tensor([it.height, it.width], it.mask.map(Float.init)),
      tolerance: 8 * epsilon)
  }

  @Test(
    "RISE on a linear model finds the weighted pixel, within its standard error",
    arguments: RISE.Draws.allCases)
  func rise(_ draws: RISE.Draws) throws {
    let model = Function([1, 8, 8, 1]) { [3 * $0[27]] }
    let image = ExplainedImage(Tensor([1, 8, 8, 1], repeating: 1))
    let method = RISE(samples: 3000, cells: 4, output: .logit, draws: draws, seed: 2)
    let map = try method.explain(image, targets: [0], of: model as any Classifier)[0]
    #expect(map.values.indexOfMaximum == 27)
    let error = try #require(map.standardError)
    // The expectation at the pixel is 3 E[M²] / p; masks are independent of the estimate for
    // another seed.
    let masks = try SoftMasks(count: 3000, cells: 4, probability: 0.5, seed: 99)
      .sized(height: 8, width: 8)
    let squares = (0..<3000).map { Double(masks[$0][27] * masks[$0][27]) }
    let mean = squares.reduce(0, +) / 3000
    let variance = squares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 3000
    // Both are off by chance.
    let bound = Double(error.scalars[27]) + 3 * (variance / 3000).squareRoot() / 0.5
    #expect(abs(Double(map.values.scalars[27]) - 3 * mean / 0.5) < 4 * bound)
  }

  @Test("KernelSHAP of a linear model is its weights, with many segments of which half do nothing")
  func idleSegments() throws {
    let weights: [Double] = (0..<80).map { $0.isMultiple(of: 2) ? 0 : Double($0) / 16 }
    let model = Function([1, 8, 10, 1]) { x in
      [zip(weights, x).map { $0 * $1 }.reduce(0, +)]
    }
    let image = ExplainedImage(Tensor([1, 8, 10, 1], repeating: 1))
    let method = KernelSHAP(
      segmenter: .grid(rows: 8, columns: 10), masker: .constant([0]), output: .logit)
    let map = try method.explain(image, targets: [0], of: model as any Classifier)[0]
    let values = try #require(map.segments).values
    for (j, weight) in weights.enumerated() {
      // Outputs of up to 100 are single numbers: a thousandth is far above their rounding.
      #expect(abs(values[j] - weight) < 1e-3, "segment \(j)")
    }
  }

  // MARK: LIME

  @Test("the Mersenne Twister is NumPy's")
  func twister() throws {
    let it = try ReferenceValues.load().lime
    var random = MersenneTwister(seed: 7)
    #expect(it.bits == it.bits.map { _ in Int(random.next() & 1) })
    random = MersenneTwister(seed: 7)
    for normal in it.normals { #expect(abs(random.normal() - normal) < 1e-15) }
  }

  @Test("LIME with lime's draws has lime's numbers, for all targets from one pass")
  func limePackage() throws {
    let it = try ReferenceValues.load().lime
    let image = ExplainedImage(Tensor([1, 6, 8, 3], it.image))
    let segments = try Segmentation(height: 6, width: 8, labels: it.labels)
    let maps = try LIME(samples: 60, segmenter: .labels(segments), draws: .lime, seed: 7)
      .explain(
        image, targets: [0, 1], of: ReferenceValues.polynomials([6, 8, 3]) as any Classifier)
    for (map, (values, score)) in zip(maps, zip(it.values, it.scores)) {
      let scale = values.map(abs).max() ?? 0
      let fitted = try #require(map.segments).values + [try #require(map.baseValue)]
      // Logits pass through Float: relative to outputs of some hundreds, one rounding each.
      for (a, b) in zip(fitted, values) { #expect(abs(a - b) < 8 * epsilon * scale) }
      #expect(try abs(#require(map.score) - score) < 8 * epsilon)
    }
  }

  @Test("LIME's standard error is the deviation over seeds, with pairs and without")
  func limeErrors() throws {
    let (model, image, segmenter) = Self.interaction()
    for draws in [LIME.Draws.stratified, .paired, .independent] {
      var results: [[Double]] = []
      var errors: [[Double]] = []
      for seed in 0..<60 {
        let map = try LIME(
          samples: 151, segmenter: segmenter, masker: .constant([0]), draws: draws,
          seed: UInt64(seed)
        ).explain(image, targets: [0], of: model as any Classifier)[0]
        let segments = try #require(map.segments)
        results.append(segments.values)
        errors.append(segments.standardErrors)
      }
      Self.expectHonest(results, errors)
    }
  }

  // MARK: KernelSHAP

  /// captum's network: W1 = ones(4 × 3), b = (−10, 1, 1, 1), ReLU, W2 = ones, b = −1, on an image
  /// of three pixels.
  static let captumNetwork = Function([1, 1, 3, 1]) { x in
    let sum = x.reduce(0, +)
    return [max(sum - 10, 0) + 3 * max(sum + 1, 0) - 1]
  }

  @Test(
    "KernelSHAP on captum's network has captum's numbers",
    arguments: [
      ([20, 50, 30], [0, 0, 0], [0, 1, 2], [76.0 + 2.0 / 3, 196.0 + 2.0 / 3, 116.0 + 2.0 / 3]),
      ([20, 50, 30], [10, 20, 10], [0, 1, 2], [40, 120, 80]),
      ([20, 50, 30], [0, 0, 0], [0, 0, 1], [275, 115]),
      ([2, 10, 3], [0, 0, 0], [0, 1, 2], [7, 32.5, 10.5]),
    ] as [([Float], [Float], [Int32], [Double])])
  func captum(_ input: [Float], _ baseline: [Float], _ labels: [Int32], _ expected: [Double]) throws
  {
    let method = KernelSHAP(
      segmenter: .labels(try Segmentation(height: 1, width: 3, labels: labels)),
      masker: .image(Tensor([1, 1, 3, 1], baseline)))
    let map = try method.explain(
      ExplainedImage(Tensor([1, 1, 3, 1], input)), targets: [0],
      of: Self.captumNetwork as any Classifier)[0]
    let segments = try #require(map.segments)
    for (a, b) in zip(segments.values, expected) { #expect(abs(a - b) < 1e-9) }
    #expect(segments.standardErrors.allSatisfy { $0 == 0 })
    #expect(try abs(#require(map.completenessGap)) < 1e-9)
  }

  @Test(
    "KernelSHAP with all subsets is the Shapley value, and adds up with any number of samples",
    arguments: KernelSHAP.Draws.allCases)
  func shapley(_ draws: KernelSHAP.Draws) throws {
    let (model, image, segmenter) = Self.interaction()
    let exact = Self.shapley(of: model, image)
    for samples in [64, 254, 400] {
      let map = try KernelSHAP(
        samples: samples, segmenter: segmenter, masker: .constant([0]), draws: draws
      )
      .explain(image, targets: [0], of: model as any Classifier)[0]
      #expect(try abs(#require(map.completenessGap)) < 1e-9)
      let segments = try #require(map.segments)
      for j in 0..<8 {
        let bound = samples < 254 ? 5 * segments.standardErrors[j] : 1e-6
        #expect(abs(segments.values[j] - exact[j]) <= bound, "\(samples) samples, segment \(j)")
      }
      #expect(samples >= 254 || segments.standardErrors.allSatisfy { $0 > 0 })
    }
  }

  @Test(
    "KernelSHAP's standard error is the deviation over seeds", arguments: KernelSHAP.Draws.allCases)
  func shapErrors(_ draws: KernelSHAP.Draws) throws {
    let (model, image, segmenter) = Self.interaction()
    var results: [[Double]] = []
    var errors: [[Double]] = []
    for seed in 0..<60 {
      let map = try KernelSHAP(
        samples: 120, segmenter: segmenter, masker: .constant([0]), draws: draws,
        seed: UInt64(seed)
      ).explain(image, targets: [0], of: model as any Classifier)[0]
      let segments = try #require(map.segments)
      results.append(segments.values)
      errors.append(segments.standardErrors)
    }
    Self.expectHonest(results, errors)
  }

  // MARK: Partition SHAP

  @Test("Partition SHAP in the mode shap has shap's numbers: tree, order, ties and credit")
  func shapPackage() throws {
    let cases = try ReferenceValues.load().shap
    #expect(cases.count == 4)
    for it in cases {
      let shape = it.shape
      let maps = try PartitionSHAP(
        evaluations: it.budget, masker: .constant([0]), mode: .shap, seed: it.seed
      ).explain(
        ExplainedImage(ReferenceValues.pixels(shape)), targets: [0, 1],
        of: ReferenceValues.polynomials(shape) as any Classifier)
      for t in 0..<2 {
        // Sums in another order, in Double; then one rounding to Float.
        expectClose(
          maps[t].values, Tensor([shape[0], shape[1]], it.values[t].map(Float.init)),
          tolerance: 2 * epsilon, "\(shape), \(it.budget) evaluations")
        #expect(maps[t].baseValue == it.base[t])
      }
    }
  }

  @Test("Partition SHAP to the last pixel is the Owen value by brute force over consistent orders")
  func owen() throws {
    for (height, width) in [(1, 4), (2, 3), (3, 2), (2, 4)] {
      let shape = [height, width, 1]
      let image = ExplainedImage(ReferenceValues.pixels(shape))
      let model = ReferenceValues.polynomials(shape)
      let map = try PartitionSHAP(evaluations: 100_000, masker: .constant([0]))
        .explain(image, targets: [1], of: model as any Classifier)[0]
      let orders = Self.orders(0..<height, 0..<width, columns: width)
      var expected = [Double](repeating: 0, count: height * width)
      for order in orders {
        var x = [Double](repeating: 0, count: height * width)
        for p in order {
          let before = model.body(x)[1]
          x[p] = Double(image.input.scalars[p])
          expected[p] += (model.body(x)[1] - before) / Double(orders.count)
        }
      }
      expectClose(
        map.values, Tensor([height, width], expected.map(Float.init)), tolerance: 2 * epsilon)
    }
  }

  /// Every order of the pixels of a rectangle that keeps the halves of every level together.
  static func orders(_ y: Range<Int>, _ x: Range<Int>, columns: Int) -> [[Int]] {
    if y.count == 1, x.count == 1 { return [[y.lowerBound * columns + x.lowerBound]] }
    let (a, b): ([[Int]], [[Int]])
    if y.count >= x.count {
      let middle = y.lowerBound + y.count / 2
      a = orders(y.lowerBound..<middle, x, columns: columns)
      b = orders(middle..<y.upperBound, x, columns: columns)
    } else {
      let middle = x.lowerBound + x.count / 2
      a = orders(y, x.lowerBound..<middle, columns: columns)
      b = orders(y, middle..<x.upperBound, columns: columns)
    }
    return a.flatMap { a in b.flatMap { b in [a + b, b + a] } }
  }

  @Test("Partition SHAP adds up for any budget, and never spends more")
  func additivity() throws {
    let shape = [7, 9, 2]
    for budget in [2, 3, 4, 5, 17, 100, 501] {
      for masker in [
        Masker.constant([3]), .mean, .blur(rows: 3, columns: 4), .inpainting(sweeps: 3),
      ] {
        let maps = try PartitionSHAP(evaluations: budget, masker: masker).explain(
          ExplainedImage(ReferenceValues.pixels(shape)), targets: [0, 1],
          of: ReferenceValues.polynomials(shape) as any Classifier)
        for map in maps {
          #expect(map.evaluations <= budget)
          // Telescoping sums of numbers of some thousands, in Double.
          #expect(try abs(#require(map.completenessGap)) < 1e-9)
        }
      }
    }
  }

  // MARK: All of them

  @Test("bits depend on the seed alone, not on the batch")
  func determinism() throws {
    let shape = [8, 8, 3]
    let image = ExplainedImage(
      ReferenceValues.pixels(shape),
      pixels: ReferenceValues.pixels(shape).reshaped(to: Shape(shape)))
    // Of the third order: paired draws give KernelSHAP the exact answer for what is of the second.
    let model = Function(image.input.shape) { x in
      var sums = [0.0, 0.0]
      for i in 0..<x.count - 61 {
        let weight = Double(i % 5 - 2)
        sums[0] += weight * x[i] * x[i + 29] * x[i + 60]
        sums[1] += weight * x[i] * x[i + 14] * x[i + 61]
      }
      return sums
    }
    func methods(_ seed: UInt64) -> [any BlackBoxExplainer] {
      let grid = Segmenter.grid(rows: 4, columns: 4)
      return [
        RISE(samples: 300, cells: 3, output: .logit, seed: seed),
        RISE(samples: 300, cells: 3, output: .logit, draws: .independent, seed: seed),
        LIME(samples: 300, segmenter: grid, seed: seed),
        LIME(samples: 300, segmenter: grid, draws: .independent, seed: seed),
        KernelSHAP(samples: 300, segmenter: grid, seed: seed),
        KernelSHAP(samples: 300, segmenter: grid, draws: .weighted, seed: seed),
        Occlusion(window: 3, stride: 2, masker: .noise(seed: seed)),
        PartitionSHAP(evaluations: 60, masker: .noise(seed: seed)),
      ]
    }
    for (method, other) in zip(methods(1), methods(2)) {
      let first = try method.explain(image, targets: [0, 1], of: model as any Classifier)
      for batch in [1, 16, 33] {
        let again = try method.explain(
          image, targets: [0, 1], of: Batched(base: model, batch: batch) as any Classifier)
        for (a, b) in zip(first, again) {
          #expect(a.values == b.values, "\(method.name), batch \(batch)")
          #expect(a.standardError == b.standardError)
        }
      }
      let others = try other.explain(image, targets: [0, 1], of: model as any Classifier)
      #expect(others[0].values != first[0].values, "\(method.name)")
      #expect(!method.parameters.isEmpty && !method.facts.paper.isEmpty)
    }
  }

  @Test("bad input is refused in one line, and a constant picture gives a stated blank map")
  func refusals() throws {
    let shape = [6, 6, 3]
    let image = ExplainedImage(ReferenceValues.pixels(shape))
    let model: any Classifier = ReferenceValues.polynomials(shape)
    func expect(
      _ error: ExplanationError, _ method: some BlackBoxExplainer,
      sourceLocation: SourceLocation = #_sourceLocation
    ) {
      #expect(throws: error, sourceLocation: sourceLocation) {
        try method.explain(image, targets: [0], of: model)
      }
    }
    let grid = Segmenter.grid(rows: 3, columns: 3)
    let one = try Segmentation(height: 6, width: 6, labels: .init(repeating: 0, count: 36))
    let small = try Segmentation(height: 2, width: 2, labels: [0, 1, 1, 0])
    for samples in [0, 1, -3] {
      for method: any BlackBoxExplainer in [
        LIME(samples: samples, segmenter: grid), KernelSHAP(samples: samples, segmenter: grid),
        PartitionSHAP(evaluations: samples), RISE(samples: min(samples, 0)),
        Occlusion(window: samples, stride: 2),
      ] {
        #expect(throws: ExplanationError.self) {
          try method.explain(image, targets: [0], of: model)
        }
      }
    }
    expect(.tooFewSegments(1), LIME(segmenter: .labels(one)))
    expect(.tooFewSegments(1), KernelSHAP(segmenter: .labels(one)))
    expect(.maskSize(given: [2, 2], expected: [6, 6]), LIME(segmenter: .labels(small)))
    expect(.noPixels(for: "quickshift"), LIME())
    expect(.tooFewSamples(4, segments: 9), KernelSHAP(samples: 4, segmenter: grid))
    expect(.tooFewSamples(9, segments: 9), LIME(samples: 9, segmenter: grid))
    let several = try LIME(samples: 10, segmenter: grid).explain(image, targets: [0], of: model)
    #expect(several[0].segments?.values.count == 9)
    #expect(throws: ExplanationError.unknownTarget(2, count: 2)) {
      try LIME(segmenter: grid).explain(image, targets: [2], of: model)
    }
    let broken = Function([1, 6, 6, 3]) { [$0.reduce(0, +) > 400 ? .nan : 0] }
    #expect(throws: ExplanationError.notFinite(layer: "the output")) {
      try LIME(samples: 50, segmenter: grid).explain(
        image, targets: [0], of: broken as any Classifier)
    }
    let constant = ExplainedImage(Tensor([1, 6, 6, 3], repeating: 2))
    let blank = try LIME(segmenter: grid).explain(constant, targets: [0], of: model)[0]
    #expect(blank.values == Tensor([6, 6]))
    #expect(blank.diagnostics == ["blank map: the output is the same for all samples"])
  }

  @Test("every pixel as a segment is refused before anything is drawn or allocated")
  func manySegments() throws {
    let (height, width) = (100, 100)
    let image = ExplainedImage(Tensor([1, height, width, 1], repeating: 1))
    let all = Segmenter.labels(
      try Segmentation(height: height, width: width, labels: (0..<height * width).map { Int32($0) })
    )
    let model: any Classifier = Function([1, height, width, 1]) { _ in
      Issue.record("the model was evaluated")
      return [0]
    }
    for method: any BlackBoxExplainer in [
      LIME(samples: 20_000, segmenter: all), KernelSHAP(segmenter: all),
    ] {
      #expect(throws: ExplanationError.tooManySegments(10_000, limit: 8192)) {
        try method.explain(image, targets: [0], of: model)
      }
    }
  }

  @Test(
    "samples that cannot tell the segments apart, or find no room, are refused before any is drawn")
  func uselessSamples() throws {
    let side = 26
    let image = ExplainedImage(Tensor([1, side, side, 1], repeating: 1))
    let grid = Segmenter.grid(rows: side, columns: side)
    let model: any Classifier = Function([1, side, side, 1]) { _ in
      Issue.record("the model was evaluated")
      return [0]
    }
    // Beyond 500 segments draws are those of the paper: pairs, which tell half as much.
    #expect(throws: ExplanationError.self) {
      try KernelSHAP(samples: 700, segmenter: grid).explain(image, targets: [0], of: model)
    }
    for method: any BlackBoxExplainer in [
      LIME(samples: 1 << 40, segmenter: grid, draws: .independent),
      LIME(samples: .max, segmenter: grid), KernelSHAP(samples: 1 << 40, segmenter: grid),
      Sobol(samples: 1 << 26),
    ] {
      MemoryBudget.$current.withValue(MemoryBudget(limit: 64 << 20)) {
        #expect(throws: OutOfMemoryError.self) {
          try method.explain(image, targets: [0], of: model)
        }
      }
    }
  }

  @Test("with more segments than are counted, as many samples as the package lime takes")
  func fallback() throws {
    let image = ExplainedImage(Tensor([1, 24, 24, 1], repeating: 1))
    let linear: any Classifier = Function([1, 24, 24, 1]) { [$0.reduce(0, +)] }
    let map = try LIME(segmenter: .grid(rows: 24, columns: 24), masker: .constant([0]))
      .explain(image, targets: [0], of: linear)[0]
    #expect(map.evaluations == 1000)
    #expect(map.diagnostics.contains { $0.hasPrefix("1000 samples were drawn as published") })
  }

  @Test("a fit that is no better than a constant says so")
  func worseThanConstant() throws {
    let image = ExplainedImage(Tensor([1, 4, 4, 1], repeating: 1))
    let grid = Segmenter.grid(rows: 4, columns: 4)
    // Only the whole picture counts, which no linear model of its parts can tell.
    let whole: any Classifier = Function([1, 4, 4, 1]) { [$0.allSatisfy { $0 > 0.5 } ? 1 : 0] }
    let linear: any Classifier = Function([1, 4, 4, 1]) { [$0.reduce(0, +)] }
    for (model, isPoor) in [(whole, true), (linear, false)] {
      let map = try KernelSHAP(samples: 60, segmenter: grid, masker: .constant([0]))
        .explain(image, targets: [0], of: model)[0]
      #expect(try (#require(map.score) <= 0) == isPoor)
      #expect(
        map.diagnostics.contains { $0.hasPrefix("the fit is no better than a constant") } == isPoor)
    }
  }

  @Test("values of all subsets are right, however little their sum tells of the output")
  func exactValues() throws {
    let image = ExplainedImage(Tensor([1, 4, 4, 1], repeating: 1))
    let whole: any Classifier = Function([1, 4, 4, 1]) { [$0.allSatisfy { $0 > 0.5 } ? 1 : 0] }
    for draws in KernelSHAP.Draws.allCases {
      let map = try KernelSHAP(
        segmenter: .grid(rows: 2, columns: 2), masker: .constant([0]), draws: draws
      ).explain(image, targets: [0], of: whole)[0]
      #expect(map.values.scalars.allSatisfy { abs($0 - 0.25) < 1e-6 })
      #expect(try #require(map.score) <= 0)
      #expect(map.diagnostics.contains { $0.contains("the segments matter together") })
    }
  }

  @Test("a map of zeros is told, whatever the method")
  func zeros() throws {
    let image = ExplainedImage(Tensor([1, 4, 4, 1], repeating: 1))
    let model: any Classifier = Function([1, 4, 4, 1]) { _ in [3] }
    let methods: [any BlackBoxExplainer] = [
      Occlusion(window: 2, stride: 2), PartitionSHAP(evaluations: 20, masker: .mean),
      KernelSHAP(samples: 40, segmenter: .grid(rows: 2, columns: 2)),
    ]
    for method in methods {
      let map = try method.explain(image, targets: [0], of: model)[0]
      #expect(map.diagnostics.contains("blank map: every value is zero"), "\(method.name)")
    }
  }

  @Test("SLIC that finds far fewer segments than it was asked for says so")
  func degenerateSLIC() throws {
    #expect(Segmenter.slic(count: 50).note(found: 25) == nil)
    let note = try #require(Segmenter.slic(count: 50).note(found: 24))
    #expect(note.hasPrefix("SLIC was asked for 50 segments and found 24"))
    #expect(Segmenter.grid(rows: 7, columns: 7).note(found: 2) == nil)
  }

  // MARK: Parts

  /// Eight pixels with interactions of the second and third order.
  static func interaction() -> (Function, ExplainedImage, Segmenter) {
    let model = Function([1, 2, 4, 1]) { x in
      let products = x[0] * x[1] + 2 * x[2] * x[5] * x[7] - x[3] * x[4] + 1.5 * x[6] * x[1] * x[0]
      return [products + x[0] - 2 * x[7] + 0.5 * x[4]]
    }
    let image = Tensor([1, 2, 4, 1], [1, 2, -1, 0.5, 1.5, 2, -0.5, 1])
    return (model, ExplainedImage(image), .grid(rows: 2, columns: 4))
  }

  /// Shapley values by their definition.
  static func shapley(of model: Function, _ image: ExplainedImage) -> [Double] {
    let x = image.input.scalars.map(Double.init)
    let n = x.count
    func value(_ set: Int) -> Double {
      model.body((0..<n).map { set >> $0 & 1 == 1 ? x[$0] : 0 })[0]
    }
    func factorial(_ k: Int) -> Double { (1...max(k, 1)).reduce(1.0) { $0 * Double($1) } }
    return (0..<n).map { j in
      (0..<1 << n).filter { $0 >> j & 1 == 0 }.reduce(0.0) { sum, set in
        let size = set.nonzeroBitCount
        let weight = factorial(size) * factorial(n - size - 1) / factorial(n)
        return sum + weight * (value(set | 1 << j) - value(set))
      }
    }
  }

  /// Expects the mean stated error to be the deviation of the results over 60 seeds.
  ///
  /// The deviation of 60 draws is itself off by about 1 / √118 ≈ 9 %; over eight numbers, four of
  /// these are allowed, and another 15 % for the bias of sandwich estimates in small samples.
  static func expectHonest(
    _ results: [[Double]], _ errors: [[Double]], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let n = Double(results.count)
    for j in results[0].indices {
      let mean = results.reduce(0) { $0 + $1[j] } / n
      let deviation = (results.reduce(0) { $0 + ($1[j] - mean) * ($1[j] - mean) } / (n - 1))
        .squareRoot()
      let stated = (errors.reduce(0) { $0 + $1[j] * $1[j] } / n).squareRoot()
      #expect(
        abs(stated / deviation - 1) < 0.52, "segment \(j): \(stated) stated, \(deviation) found",
        sourceLocation: sourceLocation)
    }
  }
}
