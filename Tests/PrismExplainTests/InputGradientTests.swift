import PrismAutodiff
import PrismExplain
import PrismRuntime
import PrismTensor
import PrismTestSupport
import Testing

@Suite("gradient family")
struct InputGradientTests {
  /// captum's BasicModel2: ReLU(ReLU(a) − 1 − ReLU(b)), on an image of two pixels.
  static func basicModel2() throws -> PlannedClassifier {
    let recording = try Recording(input: [1, 1, 2, 1]) { x in
      let relu = x.named("input").reshaped(to: [1, 2]).relu()
      return relu.dense(
        x.parameter(Tensor([1, 2], [1, -1]), named: "w"),
        bias: x.parameter(Tensor([1], [-1]), named: "b")
      ).relu()
    }
    return PlannedClassifier(recording, defaultLayer: "input")
  }

  /// captum's BasicModel3, the same function written otherwise: ReLU(ReLU(a − 1) − ReLU(b)).
  static func basicModel3() throws -> PlannedClassifier {
    let recording = try Recording(input: [1, 1, 2, 1]) { x in
      let shifted =
        x.named("input").reshaped(to: [1, 2]) + x.parameter(Tensor([1, 2], [-1, 0]), named: "s")
      return shifted.relu().dense(x.parameter(Tensor([1, 2], [1, -1]), named: "w")).relu()
    }
    return PlannedClassifier(recording, defaultLayer: "input")
  }

  /// x³ for one pixel: multiplications only.
  static func cube() throws -> PlannedClassifier {
    PlannedClassifier(
      try Recording(input: [1, 1, 1, 1]) { x in
        let x = x.named("input")
        return (x * x * x).reshaped(to: [1, 1])
      }, defaultLayer: "input")
  }

  static let two = ExplainedImage(Tensor([1, 1, 2, 1], [3, 1]))

  @Test("Integrated Gradients on captum's BasicModel2 and 3: (1.5, −0.5)")
  func basicModels() throws {
    for classifier in [try Self.basicModel2(), try Self.basicModel3()] {
      // The gradient jumps at t = 1/2 (model 2: where 3t − 1 − t > 0) or has jumps at 1/3 and 1/2
      // (model 3): a rule of n points misses a jump by at most a step, and the path is 3 long.
      let steps = 1000
      for rule in Quadrature.allCases {
        let map = try IntegratedGradients(steps: steps, quadrature: rule)
          .explain(Self.two, targets: [0], of: classifier)[0]
        #expect(abs(Double(map.values[0, 0]) - 1.5) <= 2 * 3 / Double(steps))
        #expect(abs(Double(map.values[0, 1]) + 0.5) <= 2 / Double(steps))
        #expect(map.baseValue == 0)
        let gap = try #require(map.completenessGap)
        #expect(abs(1 - map.values.sum - gap) < 4 * epsilon)
      }
    }
  }

  @Test(
    "the rules on the integral of 3x² from 0 to 2, exact 8, with captum's figures",
    arguments: [
      (Quadrature.left, 7.7616), (.right, 8.2416), (.middle, 7.9992), (.gaussLegendre, 8.0),
      // captum's trapezoid is 7.8416 since its weights do not add up to 1; the sound one errs by
      // h²/12 · 12 · 2.
      (.trapezoid, 8.0016),
    ])
  func quadrature(_ rule: Quadrature, _ expected: Double) throws {
    let map = try IntegratedGradients(steps: 50, quadrature: rule)
      .explain(ExplainedImage(Tensor([1, 1, 1, 1], [2])), targets: [0], of: try Self.cube())[0]
    // 50 gradients in Float, each with a few roundings of 12 at most.
    #expect(abs(Double(map.values[0, 0]) - expected) < 16 * 8 * epsilon)
  }

  @Test("Gauss-Legendre points and weights are those of the tables, and exact to degree 2n − 1")
  func legendre() {
    let three = Quadrature.gaussLegendre.points(3)
    let x = 0.774_596_669_241_483_4 / 2
    for (point, expected) in zip(
      three, [(0.5 - x, 5.0 / 18), (0.5, 8.0 / 18), (0.5 + x, 5.0 / 18)])
    {
      #expect(abs(point.position - expected.0) < 1e-15)
      #expect(abs(point.weight - expected.1) < 1e-15)
    }
    for n in [1, 2, 5, 50, 300] {
      let points = Quadrature.gaussLegendre.points(n)
      #expect(points.count == n)
      for degree in [0, 1, n, 2 * n - 1] {
        let integral = points.reduce(0.0) { sum, point in
          sum + point.weight * (0..<degree).reduce(1.0) { p, _ in p * point.position }
        }
        #expect(abs(integral - 1 / Double(degree + 1)) < 1e-14, "\(n) points, degree \(degree)")
      }
    }
  }

  @Test("saliency and input × gradient of a linear model are its weights and contributions")
  func linear() throws {
    let weights: [Float] = [1, -3, 2, 0.5, -0.25, 0]
    let recording = try Recording(input: [1, 1, 3, 2]) { x in
      x.named("input").reshaped(to: [1, 6]).dense(x.parameter(Tensor([1, 6], weights), named: "w"))
    }
    let classifier = PlannedClassifier(recording, defaultLayer: "input")
    let image = ExplainedImage(Tensor([1, 1, 3, 2], [1, 2, 3, 4, 5, 6]))
    func map(_ method: some Explainer) throws -> [Float] {
      try method.explain(image, targets: [0], of: classifier)[0].values.scalars
    }
    #expect(try map(Saliency()) == [3, 2, 0.25])
    #expect(try map(Saliency(reduction: .sumOfMagnitudes)) == [4, 2.5, 0.25])
    #expect(try map(Saliency(reduction: .sum)) == [-2, 2.5, -0.25])
    #expect(try map(InputXGradient()) == [-5, 8, -1.25])
    // The gradient is the same everywhere: the mean is it, the variance zero, and every draw exact.
    #expect(try map(SmoothGrad(samples: 7)) == [3, 2, 0.25])
    #expect(try map(VarGrad(samples: 7)) == [0, 0, 0])
    let expected = try ExpectedGradients(samples: 9, baselines: [.constant([0]), .constant([1])])
      .explain(image, targets: [0], of: classifier)[0]
    // Nine samples take the first baseline five times and the second four times.
    let contributions: [Double] = [-5, 8, -1.25]
    let sums: [Double] = [-2, 2.5, -0.25]
    for i in 0..<3 {
      #expect(
        abs(Double(expected.values.scalars[i]) - (contributions[i] - sums[i] * 4 / 9)) < 64
          * epsilon)
    }
    #expect(try abs(#require(expected.baseValue) - 0.125) < epsilon)
  }

  @Test(
    "SmoothGrad and VarGrad of x³ have the moments of 3 (x + noise)², and state their errors truly")
  func moments() throws {
    // The range of one pixel is zero: a second pixel, which the model ignores, makes it 1.
    let recording = try Recording(input: [1, 1, 2, 1]) { x in
      let first = x.named("input") * x.parameter(Tensor([1, 1, 2, 1], [1, 0]), named: "m")
      return (first * first * first).sum().reshaped(to: [1, 1])
    }
    let classifier = PlannedClassifier(recording, defaultLayer: "input")
    let image = ExplainedImage(Tensor([1, 1, 2, 1], [2, 1]))
    let s = 0.1
    // With n ~ N(0, s²): E 3(2+n)² = 12 + 3s², Var = 9 (16 s² + 2 s⁴).
    let (mean, variance) = (12 + 3 * s * s, 9 * (16 * s * s + 2 * s * s * s * s))
    let smooth = try SmoothGrad(samples: 400, noise: s, seed: 1)
      .explain(image, targets: [0], of: classifier)[0]
    let varied = try VarGrad(samples: 400, noise: s, seed: 1)
      .explain(image, targets: [0], of: classifier)[0]
    let smoothError = Double(try #require(smooth.standardError)[0, 0])
    let variedError = Double(try #require(varied.standardError)[0, 0])
    #expect(abs(smoothError - (variance / 400).squareRoot()) < 0.15 * smoothError)
    // Four standard errors: a false alarm in 16 000 seeds.
    #expect(abs(Double(smooth.values[0, 0]) - mean) < 4 * smoothError)
    #expect(abs(Double(varied.values[0, 0]) - variance) < 4 * variedError)
    #expect(smooth.values[0, 1] == 0)
  }

  @Test("expected gradients converge to integrated gradients, within their standard error")
  func expected() throws {
    let image = ExplainedImage(Tensor([1, 1, 1, 1], [2]))
    let drawn = try ExpectedGradients(samples: 300, seed: 5, isStratified: false)
      .explain(image, targets: [0], of: try Self.cube())[0]
    let error = Double(try #require(drawn.standardError)[0, 0])
    // 2 · 3 (2t)² = 24 t² has the variance 24² (1/5 − 1/9).
    #expect(abs(error - 24 * (4.0 / 45 / 300).squareRoot()) < 0.15 * error)
    #expect(abs(Double(drawn.values[0, 0]) - 8) < 4 * error)
    let gap = try #require(drawn.completenessGap)
    #expect(abs(8 - drawn.values.sum - gap) < 1e-5)
    // Stratified, every slice of 1/300 holds one point: the error is at most that of the rectangle
    // rule.
    let even = try ExpectedGradients(samples: 300, seed: 5)
      .explain(image, targets: [0], of: try Self.cube())[0]
    #expect(abs(Double(even.values[0, 0]) - 8) < 24.0 / 300)
  }

  @Test(
    "the standard error of expected gradients is by how much draws differ from seed to seed",
    arguments: [[Masker.constant([0])], [.constant([0]), .constant([1]), .constant([-2])]])
  func stratifiedErrors(_ baselines: [Masker]) throws {
    let image = ExplainedImage(Tensor([1, 1, 1, 1], [2]))
    let classifier = try Self.cube()
    let seeds = 200
    var (values, squares, held) = ([Double](), 0.0, 0)
    // (2 − b)³, which y is the cube of, is known.
    let truth =
      baselines.reduce(0) { sum, baseline in
        guard case .constant(let pixel) = baseline else { return sum }
        return sum + 8 - Double(pixel[0] * pixel[0] * pixel[0])
      } / Double(baselines.count)
    for seed in 0..<seeds {
      let map = try ExpectedGradients(
        samples: 36 * baselines.count, baselines: baselines, seed: UInt64(seed)
      )
      .explain(image, targets: [0], of: classifier)[0]
      let (value, error) = (Double(map.values[0, 0]), Double(try #require(map.standardError)[0, 0]))
      values.append(value)
      squares += error * error
      if abs(value - truth) < 1.96 * error { held += 1 }
    }
    // A variance of 200 numbers is off by a tenth (one deviation): four deviations. The error is
    // itself one of 17 degrees of freedom: 1.96 of it hold the truth in 93 %.
    let mean = values.reduce(0, +) / Double(seeds)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(seeds - 1)
    let ratio = squares / Double(seeds) / variance
    #expect(ratio > 0.7 && ratio < 1.5, "\(ratio)")
    #expect(Double(held) / Double(seeds) > 0.89, "\(held)")
    // With fewer than three slices of a way draws count as independent.
    let few = try ExpectedGradients(samples: 2, baselines: baselines)
      .explain(image, targets: [0], of: classifier)[0]
    #expect(few.standardError?[0, 0] ?? 0 > 0)
  }

  @Test("the same seed gives the same bits, another seed others")
  func seeds() throws {
    let (classifier, image, _) = try Toy.pooledHead()
    func bits(_ seed: UInt64) throws -> [[Float]] {
      let methods: [any Explainer] = [
        SmoothGrad(samples: 5, seed: seed), VarGrad(samples: 5, seed: seed),
        ExpectedGradients(samples: 5, seed: seed),
      ]
      return try methods.map {
        try $0.explain(image, targets: [1], of: classifier)[0].values.scalars
      }
    }
    #expect(try bits(3) == bits(3))
    for (a, b) in zip(try bits(3), try bits(4)) { #expect(a != b) }
  }

  @Test("parameters that make no sense are refused")
  func refusals() throws {
    let (classifier, image, _) = try Toy.pooledHead()
    let methods: [any Explainer] = [
      IntegratedGradients(steps: 0), SmoothGrad(samples: 0), VarGrad(noise: -1),
      ExpectedGradients(samples: 0), ExpectedGradients(baselines: []),
      IntegratedGradients(baseline: .black), IntegratedGradients(baseline: .segmentMean),
      IntegratedGradients(baseline: .constant([1, 2, 3])),
      IntegratedGradients(baseline: .blur(rows: 0, columns: 1)),
      IntegratedGradients(baseline: .image(Tensor([1, 2, 2, 2]))),
    ]
    for method in methods {
      #expect(throws: ExplanationError.self) {
        try method.explain(image, targets: [0], of: classifier)
      }
    }
    #expect(throws: ExplanationError.unknownTarget(3, count: 3)) {
      try IntegratedGradients().explain(image, targets: [3], of: classifier)
    }
  }
}
