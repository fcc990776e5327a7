import PrismKernels
import PrismTestSupport
import Testing

/// A pointwise product to test.
struct PointwiseCase: CustomTestStringConvertible, Sendable {
  var m: Int
  var n: Int
  var k: Int
  var finish = "none"
  var residual = false
  var prologue = false
  var inputGap = 0
  var outputGap = 0

  var testDescription: String {
    "\(m)x\(n)x\(k) \(finish) residual \(residual) prologue \(prologue) gaps \(inputGap) \(outputGap)"
  }

  var epilogue: Epilogue {
    switch finish {
    case "relu": .relu
    case "relu6": .relu6
    case "silu": .silu
    case "sigmoid": .sigmoid
    case "silu+": Epilogue(curve: .silu, residualAfterActivation: true)
    case "relu+": Epilogue(low: 0, residualAfterActivation: true)
    default: .none
    }
  }

  static let all: [PointwiseCase] = [
    PointwiseCase(m: 1, n: 1, k: 1), PointwiseCase(m: 1, n: 1, k: 7),
    PointwiseCase(m: 13, n: 1, k: 3, finish: "relu"),
    PointwiseCase(m: 7, n: 24, k: 144, residual: true),
    PointwiseCase(m: 49, n: 33, k: 16, finish: "relu6", outputGap: 5),
    PointwiseCase(m: 50, n: 96, k: 16, finish: "relu6"),
    PointwiseCase(m: 25, n: 17, k: 40, finish: "silu", residual: true, inputGap: 3, outputGap: 9),
    PointwiseCase(m: 26, n: 47, k: 31, finish: "silu+", residual: true),
    PointwiseCase(m: 12, n: 65, k: 33, finish: "relu+", residual: true),
    PointwiseCase(m: 9, n: 20, k: 12, finish: "sigmoid"),
    PointwiseCase(m: 60, n: 32, k: 1023, finish: "relu", prologue: true),
    PointwiseCase(m: 130, n: 40, k: 9, finish: "none", residual: true, prologue: true),
    PointwiseCase(m: 31, n: 128, k: 1024), PointwiseCase(m: 29, n: 96, k: 64, inputGap: 960),
    PointwiseCase(m: 600, n: 10, k: 5, finish: "relu"),
    PointwiseCase(m: 29, n: 56, k: 21, finish: "relu6", outputGap: 3),
    PointwiseCase(m: 37, n: 28, k: 18, finish: "silu", residual: true, outputGap: 2),
    PointwiseCase(m: 31, n: 14, k: 20, finish: "silu+", residual: true),
    // So many channels that they are taken in parts.
    PointwiseCase(m: 131, n: 80, k: 1024, finish: "relu6", residual: true),
    PointwiseCase(
      m: 70, n: 48, k: 1111, finish: "silu+", residual: true, inputGap: 5, outputGap: 3),
    PointwiseCase(m: 230, n: 32, k: 700, finish: "silu", prologue: true),
    PointwiseCase(m: 230, n: 20, k: 513, residual: true),
  ]

  /// A last vector that is half full, after a whole one or alone, for every height of a tile.
  static let halves: [PointwiseCase] = (1...13).flatMap { m in
    [24, 12, 6, 8, 4, 2].map { n in
      PointwiseCase(
        m: m, n: n, k: 4 + m % 3, finish: "relu", residual: m % 2 == 0, outputGap: m % 3)
    }
  }
}

@Suite("pointwise product")
struct PointwiseTests {
  @Test(
    "agrees with double precision, and splits do not change a bit", arguments: variants,
    PointwiseCase.all + PointwiseCase.halves)
  func agrees(set: InstructionSet, c: PointwiseCase) {
    let kernels = Kernels(set)
    let lda = c.k + c.inputGap
    let ldc = c.n + c.outputGap
    let a = random((c.m - 1) * lda + c.k, 1, misalignment: 3)
    let w = random(c.n * c.k, 2)
    let bias = random(c.n, 3, misalignment: 1)
    let scale = random(c.k, 4)
    let shift = random(c.k, 5)
    let residual = random(c.m * c.n, 6, misalignment: 5)
    let packed = GuardedBuffer(
      count: kernels.pointwisePackedSize(inputChannels: c.k, outputChannels: c.n))
    // Torch's layout [N, K].
    kernels.packPointwise(
      weights: w.source, inputStep: 1, outputStep: c.k, bias: bias.source, inputChannels: c.k,
      outputChannels: c.n, into: packed.pointer)
    #expect(packed.isIntact)
    let scratch = GuardedBuffer(
      count: kernels.pointwiseScratchSize(
        inputChannels: c.k, inputStride: lda, outputChannels: c.n, hasPrologue: c.prologue))
    var epilogue = c.epilogue
    if c.residual {
      epilogue.residual = residual.source
      epilogue.residualStride = c.n
    }
    let output = GuardedBuffer(count: (c.m - 1) * ldc + c.n, misalignment: 7)
    var job = PointwiseJob(
      input: a.source, inputStride: lda, weights: packed.source, output: output.pointer,
      outputStride: ldc, rows: c.m, inputChannels: c.k, outputChannels: c.n, epilogue: epilogue,
      prologue: c.prologue
        ? Prologue(scale: scale.source, shift: shift.source, relu: true) : Prologue(),
      scratch: scratch.pointer)
    kernels.pointwise(job)
    #expect(output.isIntact && scratch.isIntact)
    var worst = 0.0
    for i in 0..<c.m {
      for j in 0..<c.n {
        var sum = Double(bias[j])
        var magnitude = abs(sum)
        for k in 0..<c.k {
          var x = Double(a[i * lda + k])
          if c.prologue { x = max(x * Double(scale[k]) + Double(shift[k]), 0) }
          let product = x * Double(w[j * c.k + k])
          sum += product
          magnitude += abs(product)
        }
        let r = c.residual ? Double(residual[i * c.n + j]) : nil
        let expected = finished(sum, epilogue, residual: r)
        // K products and sums, the residual, and the curve's own 3e-7.
        let bound =
          Double(c.k + 4) * 2 * unit * (magnitude + abs(r ?? 0))
          + (epilogue.curve == .none ? 0 : 4e-7 * (abs(expected) + 1))
        worst = max(worst, abs(Double(output[i * ldc + j]) - expected) / bound)
      }
      for j in c.n..<ldc where i + 1 < c.m { #expect(output.isUntouched(i * ldc + j)) }
    }
    #expect(worst <= 1)

    let split = GuardedBuffer(count: (c.m - 1) * ldc + c.n, misalignment: 7)
    job.output = split.pointer
    let panels = kernels.pointwisePanels(outputChannels: c.n)
    for (start, end) in [(0, c.m / 3), (c.m / 3, c.m * 5 / 7), (c.m * 5 / 7, c.m)] {
      job.rowStart = start
      job.rowEnd = end
      for panel in 0..<panels {
        job.panelStart = panel
        job.panelEnd = panel + 1
        kernels.pointwise(job)
      }
    }
    #expect(split.isIntact && split.bits == output.bits)
  }

  @Test(
    "the result may take the place of the residual", arguments: variants,
    PointwiseCase.all.filter { $0.residual && !$0.epilogue.residualAfterActivation })
  func inPlace(set: InstructionSet, c: PointwiseCase) {
    let kernels = Kernels(set)
    let lda = c.k + c.inputGap
    let a = random((c.m - 1) * lda + c.k, 1)
    let w = random(c.n * c.k, 2)
    let packed = GuardedBuffer(
      count: kernels.pointwisePackedSize(inputChannels: c.k, outputChannels: c.n))
    kernels.packPointwise(
      weights: w.source, inputStep: 1, outputStep: c.k, bias: nil, inputChannels: c.k,
      outputChannels: c.n, into: packed.pointer)
    let scratch = GuardedBuffer(
      count: kernels.pointwiseScratchSize(
        inputChannels: c.k, inputStride: lda, outputChannels: c.n, hasPrologue: false))
    let residual = random(c.m * c.n, 3)
    let apart = GuardedBuffer(count: c.m * c.n)
    let inPlace = GuardedBuffer(count: c.m * c.n)
    for i in 0..<c.m * c.n { inPlace.pointer[i] = residual[i] }
    for (output, residual) in [(apart, residual.source), (inPlace, inPlace.source)] {
      var epilogue = c.epilogue
      epilogue.residual = residual
      epilogue.residualStride = c.n
      kernels.pointwise(
        PointwiseJob(
          input: a.source, inputStride: lda, weights: packed.source, output: output.pointer,
          outputStride: c.n, rows: c.m, inputChannels: c.k, outputChannels: c.n,
          epilogue: epilogue, scratch: scratch.pointer))
    }
    #expect(inPlace.isIntact && inPlace.bits == apart.bits)
  }

  @Test("a NaN in the input comes out", arguments: variants)
  func notANumber(set: InstructionSet) {
    let kernels = Kernels(set)
    let a = random(6, 1)
    a[2] = .nan
    let w = random(6 * 3, 2)
    let packed = GuardedBuffer(
      count: kernels.pointwisePackedSize(inputChannels: 3, outputChannels: 6))
    kernels.packPointwise(
      weights: w.source, inputStep: 1, outputStep: 3, bias: nil, inputChannels: 3,
      outputChannels: 6, into: packed.pointer)
    for epilogue in [Epilogue.none, .relu, .relu6, .silu, .sigmoid] {
      let output = GuardedBuffer(count: 12)
      kernels.pointwise(
        PointwiseJob(
          input: a.source, inputStride: 3, weights: packed.source, output: output.pointer,
          outputStride: 6, rows: 2, inputChannels: 3, outputChannels: 6, epilogue: epilogue))
      #expect((0..<6).allSatisfy { output[$0].isNaN })
      #expect((6..<12).allSatisfy { output[$0].isFinite })
    }
  }
}
