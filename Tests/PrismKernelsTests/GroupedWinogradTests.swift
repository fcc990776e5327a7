import PrismKernels
import PrismTestSupport
import Testing

/// A convolution in groups to test.
struct GroupedCase: CustomTestStringConvertible, Sendable {
  var h: Int
  var w: Int
  var groups: Int
  /// Channels of the input and of the output in a group.
  var i: Int
  var o: Int
  /// Top, left, bottom, right.
  var padding = [1, 1, 1, 1]
  var finish = "none"
  var residual = false
  var prologue = false
  var inputGap = 0
  var outputGap = 0

  var testDescription: String {
    "\(h)x\(w) \(groups) times \(i)->\(o) p\(padding) \(finish) r\(residual) pro\(prologue) gaps \(inputGap) \(outputGap)"
  }

  var shape: ConvolutionShape {
    ConvolutionShape(
      inputHeight: h, inputWidth: w, inputChannels: groups * i, outputChannels: groups * o,
      kernelHeight: 3, kernelWidth: 3, strideHeight: 1, strideWidth: 1, paddingTop: padding[0],
      paddingLeft: padding[1], paddingBottom: padding[2], paddingRight: padding[3])
  }

  static let all: [GroupedCase] = [
    GroupedCase(h: 1, w: 1, groups: 3, i: 1, o: 1),
    GroupedCase(h: 4, w: 4, groups: 1, i: 16, o: 16),
    GroupedCase(h: 7, w: 5, groups: 6, i: 8, o: 8, finish: "relu"),
    GroupedCase(h: 9, w: 8, groups: 5, i: 16, o: 16, finish: "relu", inputGap: 3, outputGap: 5),
    GroupedCase(h: 14, w: 13, groups: 5, i: 24, o: 24, finish: "relu", residual: true),
    GroupedCase(h: 30, w: 27, groups: 2, i: 24, o: 24, finish: "silu"),
    GroupedCase(h: 10, w: 11, groups: 3, i: 24, o: 24, padding: [0, 0, 0, 0]),
    GroupedCase(
      h: 11, w: 9, groups: 3, i: 40, o: 40, padding: [0, 2, 1, 0], finish: "silu+",
      residual: true, outputGap: 2),
    GroupedCase(h: 6, w: 7, groups: 4, i: 20, o: 9, prologue: true),
    GroupedCase(h: 6, w: 9, groups: 3, i: 10, o: 40, finish: "relu6"),
    GroupedCase(h: 8, w: 6, groups: 2, i: 128, o: 96, finish: "relu"),
  ]
}

@Suite("convolution in groups by Winograd's algorithm")
struct GroupedWinogradTests {
  @Test("agrees with double precision at F(2x2)", arguments: variants, GroupedCase.all)
  func two(set: InstructionSet, c: GroupedCase) { check(set, c, m: 2, .whole, amplification: 8) }

  @Test("agrees with double precision at F(4x4)", arguments: variants, GroupedCase.all)
  func four(set: InstructionSet, c: GroupedCase) { check(set, c, m: 4, .whole, amplification: 64) }

  @Test("agrees with double precision at near points", arguments: variants, GroupedCase.all)
  func near(set: InstructionSet, c: GroupedCase) { check(set, c, m: 4, .near, amplification: 32) }

  /// Compares a case with exact sums, and with itself in parts of tiles and of groups.
  ///
  /// - Parameters:
  ///   - set: The variant.
  ///   - c: The case.
  ///   - m: The side of a tile.
  ///   - points: The points of F(4x4).
  ///   - amplification: How much larger than of a direct sum of all numbers under a tile, whose
  ///     products are at most 4, an error may be: as without groups.
  func check(
    _ set: InstructionSet, _ c: GroupedCase, m: Int, _ points: WinogradPoints,
    amplification: Double
  ) {
    let kernels = Kernels(set)
    let s = c.shape
    let (inputs, outputs) = (c.groups * c.i, c.groups * c.o)
    let (lda, ldc) = (inputs + c.inputGap, outputs + c.outputGap)
    let pixels = s.outputHeight * s.outputWidth
    let a = random((c.h * c.w - 1) * lda + inputs, 21, misalignment: 1)
    let w = random(outputs * c.i * 9, 22)
    let bias = random(outputs, 23)
    let scale = random(inputs, 24)
    let shift = random(inputs, 25)
    let residual = random(pixels * outputs, 26, misalignment: 2)
    let packed = GuardedBuffer(
      count: kernels.groupedWinogradPackedSize(
        groups: c.groups, inputChannels: c.i, outputChannels: c.o, m: m))
    for group in 0..<c.groups {
      kernels.packGroupedWinograd(
        weights: w.source + group * c.o * c.i * 9, bias: bias.source + group * c.o, group: group,
        groups: c.groups, inputChannels: c.i, outputChannels: c.o, m: m, points: points,
        into: packed.pointer)
    }
    #expect(packed.isIntact && (0..<packed.count).allSatisfy { packed[$0].isFinite })
    let scratch = GuardedBuffer(
      count: kernels.groupedWinogradScratchSize(s, groups: c.groups, m: m))
    var epilogue = PointwiseCase(m: 1, n: 1, k: 1, finish: c.finish).epilogue
    if c.residual {
      epilogue.residual = residual.source
      epilogue.residualStride = outputs
    }
    let output = GuardedBuffer(count: (pixels - 1) * ldc + outputs, misalignment: 3)
    var job = ConvolutionJob(
      shape: s, input: a.source, inputStride: lda, weights: packed.source, output: output.pointer,
      outputStride: ldc, epilogue: epilogue,
      prologue: c.prologue
        ? Prologue(scale: scale.source, shift: shift.source, relu: true) : Prologue(),
      scratch: scratch.pointer)
    job.points = points
    let tiles = kernels.winogradTiles(s, m: m)
    job.rowEnd = tiles
    kernels.groupedWinograd(job, groups: c.groups, m: m)
    #expect(output.isIntact && scratch.isIntact)

    let exact = convolution(
      s,
      input: { y, x, ch in
        let value = Double(a[(y * c.w + x) * lda + ch])
        return c.prologue ? max(value * Double(scale[ch]) + Double(shift[ch]), 0) : value
      },
      weight: { o, i, ky, kx in
        i / c.i == o / c.o ? Double(w[((o * c.i + i % c.i) * 3 + ky) * 3 + kx]) : 0
      },
      bias: { Double(bias[$0]) }, depthwise: false)
    let terms = Double(c.i * 9)
    var worst = 0.0
    for p in 0..<pixels {
      for o in 0..<outputs {
        let e = exact[p * outputs + o]
        let r = c.residual ? Double(residual[p * outputs + o]) : nil
        let expected = finished(e.value, epilogue, residual: r)
        var bound = (terms + 4) * 2 * unit * (e.magnitude + abs(r ?? 0))
        bound += amplification * (terms + 4) * unit * 4
        if epilogue.curve != .none { bound += 4e-7 * (abs(expected) + 1) }
        worst = max(worst, abs(Double(output[p * ldc + o]) - expected) / bound)
      }
      for o in outputs..<ldc where p + 1 < pixels { #expect(output.isUntouched(p * ldc + o)) }
    }
    #expect(worst <= 1)

    // Tiles, then groups, then columns of tiles in parts.
    func expectSame(_ parts: [(inout ConvolutionJob) -> Void]) {
      let split = GuardedBuffer(count: (pixels - 1) * ldc + outputs, misalignment: 3)
      for change in parts {
        var part = job
        part.output = split.pointer
        change(&part)
        kernels.groupedWinograd(part, groups: c.groups, m: m)
      }
      #expect(split.isIntact && split.bits == output.bits)
    }
    let cuts = [0, tiles / 3, tiles * 5 / 7, tiles]
    expectSame(
      zip(cuts, cuts.dropFirst()).map { start, end in
        { ($0.rowStart, $0.rowEnd) = (start, end) }
      })
    let half = c.groups / 2 * c.o
    expectSame([
      { $0.channelEnd = half }, { ($0.channelStart, $0.channelEnd) = (half, outputs) },
    ])
    let (across, down) = (
      (s.outputWidth + m - 1) / m, (s.outputHeight + m - 1) / m
    )
    expectSame(
      [0..<across / 2, across / 2..<across].map { columns in
        {
          ($0.columnStart, $0.columnEnd) = (columns.lowerBound, columns.upperBound)
          ($0.rowStart, $0.rowEnd) = (0, down * columns.count)
        }
      })
  }
}
