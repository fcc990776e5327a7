import PrismKernels
import PrismTestSupport
import Testing

/// A convolution to test.
struct ConvolutionCase: CustomTestStringConvertible, Sendable {
  var h: Int
  var w: Int
  var i: Int
  var o: Int
  var kh: Int
  var kw: Int
  var stride: Int
  /// Top, left, bottom, right.
  var padding: [Int]
  var finish = "none"
  var residual = false
  var prologue = false
  var inputGap = 0
  var outputGap = 0

  var testDescription: String {
    "\(h)x\(w) \(i)->\(o) k\(kh)x\(kw) s\(stride) p\(padding) \(finish) r\(residual) pro\(prologue) gaps \(inputGap) \(outputGap)"
  }

  var shape: ConvolutionShape {
    ConvolutionShape(
      inputHeight: h, inputWidth: w, inputChannels: i, outputChannels: o, kernelHeight: kh,
      kernelWidth: kw, strideHeight: stride, strideWidth: stride, paddingTop: padding[0],
      paddingLeft: padding[1], paddingBottom: padding[2], paddingRight: padding[3])
  }

  var epilogue: Epilogue {
    PointwiseCase(m: 1, n: 1, k: 1, finish: finish).epilogue
  }

  static func same(
    _ h: Int, _ w: Int, _ i: Int, _ o: Int, _ k: Int, _ s: Int, _ finish: String = "none",
    residual: Bool = false, prologue: Bool = false, inputGap: Int = 0, outputGap: Int = 0
  ) -> ConvolutionCase {
    ConvolutionCase(
      h: h, w: w, i: i, o: o, kh: k, kw: k, stride: s, padding: Array(repeating: k / 2, count: 4),
      finish: finish, residual: residual, prologue: prologue, inputGap: inputGap,
      outputGap: outputGap)
  }

  static let dense: [ConvolutionCase] = [
    same(1, 1, 1, 1, 3, 1), same(1, 1, 5, 3, 3, 2), same(7, 9, 3, 17, 3, 2, "relu6"),
    same(23, 21, 3, 24, 7, 2, "silu"), same(8, 8, 16, 32, 3, 1, "relu", residual: true),
    same(14, 13, 20, 33, 3, 1, "silu+", residual: true, inputGap: 4, outputGap: 7),
    same(6, 5, 9, 40, 3, 1, "relu", prologue: true), same(9, 8, 12, 16, 5, 1),
    ConvolutionCase(
      h: 12, w: 10, i: 4, o: 18, kh: 3, kw: 3, stride: 2, padding: [0, 0, 1, 1], finish: "relu6"),
    ConvolutionCase(h: 9, w: 11, i: 6, o: 8, kh: 3, kw: 2, stride: 1, padding: [0, 0, 0, 0]),
    ConvolutionCase(h: 9, w: 11, i: 6, o: 8, kh: 1, kw: 1, stride: 2, padding: [0, 0, 0, 0]),
    same(14, 13, 40, 33, 1, 2, "relu", residual: true, inputGap: 3, outputGap: 2),
    same(30, 27, 20, 70, 1, 3, "silu", prologue: true), same(9, 7, 1024, 48, 1, 2, "relu6"),
    same(7, 6, 260, 96, 3, 2, "silu"), same(5, 4, 460, 40, 3, 2), same(3, 3, 912, 8, 3, 1, "relu"),
    same(6, 7, 240, 80, 3, 1, "relu", residual: true),
    same(13, 17, 24, 24, 3, 2, "relu6", outputGap: 1), same(9, 8, 12, 12, 3, 2, "relu"),
    ConvolutionCase(
      h: 30, w: 120, i: 20, o: 8, kh: 3, kw: 3, stride: 1, padding: [2, 0, 1, 2], finish: "relu"),
  ]

  static let winograd: [ConvolutionCase] = [
    same(1, 1, 1, 1, 3, 1), same(4, 4, 16, 16, 3, 1), same(7, 7, 33, 17, 3, 1, "relu"),
    same(14, 13, 32, 48, 3, 1, "relu", residual: true, inputGap: 3, outputGap: 5),
    same(9, 5, 20, 40, 3, 1, "silu+", residual: true), same(9, 10, 24, 24, 3, 1, "relu"),
    same(21, 30, 16, 32, 3, 1, "silu", prologue: true),
    ConvolutionCase(h: 10, w: 11, i: 8, o: 9, kh: 3, kw: 3, stride: 1, padding: [0, 0, 0, 0]),
    ConvolutionCase(h: 6, w: 7, i: 64, o: 32, kh: 3, kw: 3, stride: 1, padding: [0, 2, 1, 0]),
  ]

  static let depthwise: [ConvolutionCase] = [
    same(1, 1, 1, 1, 3, 1), same(2, 3, 7, 7, 3, 1, "relu6"), same(7, 7, 33, 33, 3, 1, "relu6"),
    same(14, 15, 96, 96, 3, 2, "relu6"),
    same(9, 30, 40, 40, 5, 1, "silu", inputGap: 2, outputGap: 3),
    same(16, 17, 24, 24, 5, 2, "silu+", residual: true), same(8, 9, 18, 18, 7, 1, "relu"),
    same(9, 30, 40, 40, 7, 1, "silu+", residual: true), same(15, 20, 36, 36, 7, 1, "relu6"),
    same(20, 18, 48, 48, 7, 1, "none", inputGap: 3, outputGap: 5), same(8, 19, 72, 72, 3, 1),
    same(6, 6, 130, 130, 3, 1, "none", residual: true),
    same(6, 7, 20, 20, 3, 1, "relu", residual: true),
    same(6, 7, 37, 37, 3, 2, "relu+", residual: true), same(13, 13, 20, 20, 3, 3),
    ConvolutionCase(
      h: 12, w: 12, i: 16, o: 16, kh: 3, kw: 3, stride: 2, padding: [0, 0, 1, 1], finish: "relu6"),
    ConvolutionCase(
      h: 11, w: 13, i: 17, o: 17, kh: 5, kw: 5, stride: 2, padding: [1, 2, 3, 2], finish: "none"),
    ConvolutionCase(h: 5, w: 4, i: 16, o: 16, kh: 5, kw: 3, stride: 1, padding: [2, 1, 2, 1]),
    same(100, 60, 36, 36, 3, 1, "relu"),
    ConvolutionCase(
      h: 3, w: 2, i: 40, o: 40, kh: 5, kw: 5, stride: 1, padding: [4, 4, 4, 4], finish: "relu"),
    ConvolutionCase(
      h: 4, w: 3, i: 19, o: 19, kh: 5, kw: 5, stride: 2, padding: [3, 4, 4, 3], finish: "relu6"),
    ConvolutionCase(
      h: 2, w: 3, i: 34, o: 34, kh: 7, kw: 7, stride: 1, padding: [6, 5, 4, 6], residual: true),
  ]

  /// Tiles at the left edge, at the right one, at both and at none: every width up to two tiles.
  static let edges: [ConvolutionCase] = (1...16).flatMap { width in
    [(3, 1), (3, 2), (5, 1), (5, 2), (7, 1)].map { kernel, stride in
      let channels = [17, 24, 9, 5, 32][width % 5]
      return same(3, width, channels, channels, kernel, stride, "relu6", outputGap: width % 2)
    }
  }
}

@Suite("convolution")
struct ConvolutionTests {
  enum Kind: Sendable { case dense, depthwise, winograd2, winograd4, near4 }

  @Test("dense agrees with double precision", arguments: variants, ConvolutionCase.dense)
  func dense(set: InstructionSet, c: ConvolutionCase) { check(.dense, set, c) }

  @Test("dense as well on the shapes of Winograd", arguments: variants, ConvolutionCase.winograd)
  func denseToo(set: InstructionSet, c: ConvolutionCase) { check(.dense, set, c) }

  @Test("F(2x2) agrees with double precision", arguments: variants, ConvolutionCase.winograd)
  func winograd2(set: InstructionSet, c: ConvolutionCase) { check(.winograd2, set, c) }

  @Test("F(4x4) agrees with double precision", arguments: variants, ConvolutionCase.winograd)
  func winograd4(set: InstructionSet, c: ConvolutionCase) { check(.winograd4, set, c) }

  @Test("F(4x4) at near points as well", arguments: variants, ConvolutionCase.winograd)
  func near4(set: InstructionSet, c: ConvolutionCase) { check(.near4, set, c) }

  @Test(
    "depthwise agrees with double precision", arguments: variants,
    ConvolutionCase.depthwise + ConvolutionCase.edges)
  func depthwise(set: InstructionSet, c: ConvolutionCase) { check(.depthwise, set, c) }

  func check(_ kind: Kind, _ set: InstructionSet, _ c: ConvolutionCase) {
    let kernels = Kernels(set)
    let s = c.shape
    let lda = c.i + c.inputGap
    let ldc = c.o + c.outputGap
    let isDepthwise = kind == .depthwise
    let inner = isDepthwise ? 1 : c.i
    let m = kind == .winograd2 ? 2 : 4
    let pixels = s.outputHeight * s.outputWidth
    let a = random((c.h * c.w - 1) * lda + c.i, 11, misalignment: 1)
    let w = random(c.o * inner * c.kh * c.kw, 12)
    let bias = random(c.o, 13)
    let scale = random(c.i, 14)
    let shift = random(c.i, 15)
    let residual = random(pixels * c.o, 16, misalignment: 2)
    let count =
      switch kind {
      case .dense: kernels.densePackedSize(s)
      case .depthwise:
        kernels.depthwisePackedSize(channels: c.i, kernelHeight: c.kh, kernelWidth: c.kw)
      case .winograd2, .winograd4, .near4:
        kernels.winogradPackedSize(inputChannels: c.i, outputChannels: c.o, m: m)
      }
    let packed = GuardedBuffer(count: count)
    switch kind {
    case .dense:
      kernels.packDense(weights: w.source, bias: bias.source, shape: s, into: packed.pointer)
    case .depthwise:
      kernels.packDepthwise(
        weights: w.source, bias: bias.source, channels: c.i, kernelHeight: c.kh,
        kernelWidth: c.kw, into: packed.pointer)
    case .winograd2, .winograd4, .near4:
      for panel in 0..<kernels.pointwisePanels(outputChannels: c.o) {
        kernels.packWinograd(
          weights: w.source, bias: bias.source, inputChannels: c.i, outputChannels: c.o, m: m,
          points: kind == .near4 ? .near : .whole, panelStart: panel, panelEnd: panel + 1,
          into: packed.pointer)
      }
    }
    #expect(packed.isIntact)
    #expect((0..<count).allSatisfy { packed[$0].isFinite })
    let scratch = GuardedBuffer(
      count: kind == .dense
        ? kernels.denseScratchSize(s)
        : (isDepthwise ? 0 : kernels.winogradScratchSize(s, m: m)))
    var epilogue = c.epilogue
    if c.residual {
      epilogue.residual = residual.source
      epilogue.residualStride = c.o
    }
    let output = GuardedBuffer(count: (pixels - 1) * ldc + c.o, misalignment: 3)
    var job = ConvolutionJob(
      shape: s, input: a.source, inputStride: lda, weights: packed.source, output: output.pointer,
      outputStride: ldc, epilogue: epilogue,
      prologue: c.prologue
        ? Prologue(scale: scale.source, shift: shift.source, relu: true) : Prologue(),
      scratch: scratch.pointer)
    let end: Int
    switch kind {
    case .dense, .depthwise: end = s.outputHeight
    case .winograd2, .winograd4, .near4: end = kernels.winogradTiles(s, m: m)
    }
    func run() {
      switch kind {
      case .dense: kernels.dense(job)
      case .depthwise: kernels.depthwise(job)
      case .winograd2, .winograd4, .near4: kernels.winograd(job, m: m)
      }
    }
    job.rowEnd = end
    if kind == .near4 { job.points = .near }
    run()
    #expect(output.isIntact && scratch.isIntact)

    let exact = convolution(
      s,
      input: { y, x, ch in
        let value = Double(a[(y * c.w + x) * lda + ch])
        return c.prologue ? max(value * Double(scale[ch]) + Double(shift[ch]), 0) : value
      },
      weight: { o, i, ky, kx in Double(w[((o * inner + i) * c.kh + ky) * c.kw + kx]) },
      bias: { Double(bias[$0]) }, depthwise: isDepthwise)
    let terms = Double(inner * c.kh * c.kw)
    var worst = 0.0
    for p in 0..<pixels {
      for o in 0..<c.o {
        let e = exact[p * c.o + o]
        let r = c.residual ? Double(residual[p * c.o + o]) : nil
        let expected = finished(e.value, epilogue, residual: r)
        var bound = (terms + 4) * 2 * unit * (e.magnitude + abs(r ?? 0))
        // A tile mixes all inputs below it, whose magnitudes are at most 2; F(4x4) amplifies on top
        // of that.
        if kind == .winograd2 { bound += 8 * (terms + 4) * unit * 4 }
        if kind == .winograd4 { bound += 64 * (terms + 4) * unit * 4 }
        if kind == .near4 { bound += 32 * (terms + 4) * unit * 4 }
        if epilogue.curve != .none { bound += 4e-7 * (abs(expected) + 1) }
        worst = max(worst, abs(Double(output[p * ldc + o]) - expected) / bound)
      }
      for o in c.o..<ldc where p + 1 < pixels { #expect(output.isUntouched(p * ldc + o)) }
    }
    #expect(worst <= 1)

    let split = GuardedBuffer(count: (pixels - 1) * ldc + c.o, misalignment: 3)
    job.output = split.pointer
    for (start, stop) in [(0, end / 3), (end / 3, end * 5 / 7), (end * 5 / 7, end)] {
      job.rowStart = start
      job.rowEnd = stop
      run()
    }
    #expect(split.isIntact && split.bits == output.bits)
    if kind == .dense {
      let panels = GuardedBuffer(count: (pixels - 1) * ldc + c.o, misalignment: 3)
      job.output = panels.pointer
      (job.rowStart, job.rowEnd) = (0, end)
      let middle = kernels.pointwisePanels(outputChannels: c.o) / 2 * kernels.pointwisePanelWidth()
      for (start, stop) in [(0, middle), (middle, c.o)] {
        (job.channelStart, job.channelEnd) = (start, stop)
        run()
      }
      #expect(panels.isIntact && panels.bits == output.bits)
    }
    guard [.winograd2, .winograd4, .near4].contains(kind) else { return }

    // The three phases, two images in one buffer.
    let capacity = 2 * end + 3
    let points = (m + 2) * (m + 2)
    let v = GuardedBuffer(
      count: kernels.winogradInputBufferSize(inputChannels: c.i, m: m, capacity: capacity))
    let products = GuardedBuffer(
      count: kernels.winogradProductBufferSize(outputChannels: c.o, m: m, capacity: capacity))
    let patch = GuardedBuffer(count: kernels.winogradPatchSize(s, m: m))
    job.scratch = patch.pointer
    job.rowStart = 0
    job.rowEnd = end
    for slot in [1, end + 1] {
      kernels.winogradInput(job, m: m, into: v.pointer, capacity: capacity, slot: slot)
    }
    for (start, stop) in [(0, 5), (5, points)] {
      kernels.winogradMultiply(
        s, m: m, weights: packed.source, input: v.source, products: products.pointer,
        capacity: capacity, slotStart: 1, slotEnd: 2 * end + 1, pointStart: start,
        pointEnd: stop)
    }
    for slot in [1, end + 1] {
      let result = GuardedBuffer(count: (pixels - 1) * ldc + c.o, misalignment: 3)
      job.output = result.pointer
      kernels.winogradOutput(
        job, m: m, products: products.source, capacity: capacity, slot: slot)
      #expect(result.isIntact && result.bits == output.bits)
    }
    #expect(v.isIntact && products.isIntact && patch.isIntact)
  }
}
