import PrismKernels
import PrismTestSupport
import Testing

@Suite("walks back")
struct PullbackTests {
  static let windows: [ConvolutionCase] = [
    ConvolutionCase.same(1, 1, 1, 1, 3, 2), ConvolutionCase.same(11, 9, 33, 33, 3, 2),
    ConvolutionCase.same(12, 7, 24, 24, 5, 2), ConvolutionCase.same(9, 10, 70, 70, 7, 3),
    ConvolutionCase(h: 8, w: 9, i: 64, o: 64, kh: 2, kw: 2, stride: 2, padding: [0, 0, 0, 0]),
    ConvolutionCase(h: 7, w: 9, i: 20, o: 20, kh: 3, kw: 3, stride: 2, padding: [0, 1, 2, 1]),
    ConvolutionCase(h: 10, w: 10, i: 16, o: 16, kh: 2, kw: 2, stride: 3, padding: [0, 0, 0, 0]),
  ]

  /// Visits every pair of an output and a pixel under its window: their positions and the tap.
  private func forEachTap(_ s: ConvolutionShape, _ body: (Int, Int, Int) -> Void) {
    for y in 0..<s.outputHeight {
      for x in 0..<s.outputWidth {
        for ky in 0..<s.kernelHeight {
          for kx in 0..<s.kernelWidth {
            let (iy, ix) = (
              y * s.strideHeight - s.paddingTop + ky, x * s.strideWidth - s.paddingLeft + kx
            )
            guard (0..<s.inputHeight).contains(iy), (0..<s.inputWidth).contains(ix) else {
              continue
            }
            body(y * s.outputWidth + x, iy * s.inputWidth + ix, ky * s.kernelWidth + kx)
          }
        }
      }
    }
  }

  private func expectClose(
    _ output: GuardedBuffer, _ expected: [Double], _ magnitudes: [Double], terms: Int
  ) {
    var worst = 0.0
    for i in expected.indices {
      let bound = Double(terms + 4) * 2 * unit * magnitudes[i] + 1e-30
      worst = max(worst, abs(Double(output[i]) - expected[i]) / bound)
    }
    #expect(worst <= 1)
  }

  @Test(
    "through strided depthwise convolutions agree with the sum over all windows; rows change no bit",
    arguments: windows, variants)
  func depthwise(window: ConvolutionCase, set: InstructionSet) {
    let kernels = Kernels(set)
    let s = window.shape
    let (c, taps) = (s.inputChannels, s.kernelHeight * s.kernelWidth)
    let cotangent = random(s.outputHeight * s.outputWidth * c, 1, misalignment: 3)
    let weights = random(c * taps, 2)
    let packed = GuardedBuffer(
      count: kernels.depthwisePackedSize(
        channels: c, kernelHeight: s.kernelHeight, kernelWidth: s.kernelWidth))
    kernels.packDepthwise(
      weights: weights.source, bias: nil, channels: c, kernelHeight: s.kernelHeight,
      kernelWidth: s.kernelWidth, into: packed.pointer)
    let pixels = s.inputHeight * s.inputWidth
    let output = GuardedBuffer(count: pixels * c, misalignment: 1)
    let job = ConvolutionJob(
      shape: s, input: cotangent.source, weights: packed.source, output: output.pointer)
    var whole = job
    (whole.rowStart, whole.rowEnd) = (0, s.inputHeight)
    kernels.depthwisePullback(whole)
    #expect(output.isIntact)
    var expected = [Double](repeating: 0, count: pixels * c)
    var magnitudes = expected
    forEachTap(s) { position, pixel, tap in
      for k in 0..<c {
        let term = Double(cotangent[position * c + k]) * Double(weights[k * taps + tap])
        expected[pixel * c + k] += term
        magnitudes[pixel * c + k] += abs(term)
      }
    }
    expectClose(output, expected, magnitudes, terms: taps)
    let parts = GuardedBuffer(count: pixels * c)
    for y in 0..<s.inputHeight {
      var part = job
      part.output = parts.pointer
      (part.rowStart, part.rowEnd) = (y, y + 1)
      kernels.depthwisePullback(part)
    }
    #expect(parts.isIntact && parts.bits == output.bits)
  }

  @Test(
    "through pools agree with the sum over all windows; channels change no bit",
    arguments: windows, variants)
  func pools(window: ConvolutionCase, set: InstructionSet) {
    let kernels = Kernels(set)
    let s = window.shape
    let c = s.inputChannels
    let pixels = s.inputHeight * s.inputWidth
    let image = random(pixels * c, 4)
    let cotangent = random(s.outputHeight * s.outputWidth * c, 5)
    let largest = GuardedBuffer(count: cotangent.count)
    kernels.maximumPool(
      ConvolutionJob(
        shape: s, input: image.source, weights: image.source, output: largest.pointer))
    var counts = [Double](repeating: 0, count: s.outputHeight * s.outputWidth)
    var wins = [Double](repeating: 0, count: pixels * c)
    forEachTap(s) { position, pixel, _ in
      counts[position] += 1
      for k in 0..<c where image[pixel * c + k] == largest[position * c + k] {
        wins[pixel * c + k] += Double(cotangent[position * c + k])
      }
    }
    for (isMaximum, counts) in [(true, counts), (false, counts)] {
      var expected = wins
      var magnitudes = [Double](repeating: 0, count: pixels * c)
      forEachTap(s) { position, pixel, _ in
        for k in 0..<c {
          let share = Double(cotangent[position * c + k]) / (isMaximum ? 1 : counts[position])
          magnitudes[pixel * c + k] += abs(share)
        }
      }
      if !isMaximum {
        expected = expected.map { _ in 0 }
        forEachTap(s) { position, pixel, _ in
          for k in 0..<c {
            expected[pixel * c + k] += Double(cotangent[position * c + k]) / counts[position]
          }
        }
      }
      let (whole, parts) = (GuardedBuffer(count: pixels * c), GuardedBuffer(count: pixels * c))
      for (output, ranges) in [(whole, [0..<c]), (parts, [0..<min(16, c), min(16, c)..<c])] {
        for range in ranges {
          var job = ConvolutionJob(
            shape: s, input: cotangent.source, weights: image.source, output: output.pointer)
          (job.channelStart, job.channelEnd) = (range.lowerBound, range.upperBound)
          if isMaximum {
            kernels.maximumPoolPullback(
              job, image: image.source, imageStride: c, largest: largest.source, largestStride: c)
          } else {
            kernels.averagePoolPullback(job, countsPadding: false)
          }
        }
      }
      #expect(whole.isIntact && parts.isIntact && whole.bits == parts.bits)
      expectClose(whole, expected, magnitudes, terms: s.kernelHeight * s.kernelWidth)
    }
  }

  @Test(
    "through fully connected layers agree with double precision; neither rows nor ranges change a bit",
    arguments: variants, [[1, 1, 1], [1, 10, 37], [3, 7, 64], [5, 13, 2100]])
  func fullyConnected(set: InstructionSet, size: [Int]) {
    let kernels = Kernels(set)
    let (m, n, k) = (size[0], size[1], size[2])
    let cotangent = random(m * n, 1)
    let weights = random(n * k, 2, misalignment: 1)
    let output = GuardedBuffer(count: m * k)
    let job = FullyConnectedJob(
      input: cotangent.source, inputStride: n, weights: weights.source, bias: nil,
      output: output.pointer, outputStride: k, rows: m, inputs: k, outputs: k)
    kernels.fullyConnectedPullback(job, outputs: n)
    #expect(output.isIntact)
    var expected = [Double](repeating: 0, count: m * k)
    var magnitudes = expected
    for i in 0..<m {
      for j in 0..<n {
        for l in 0..<k {
          let term = Double(cotangent[i * n + j]) * Double(weights[j * k + l])
          expected[i * k + l] += term
          magnitudes[i * k + l] += abs(term)
        }
      }
    }
    expectClose(output, expected, magnitudes, terms: n)
    let parts = GuardedBuffer(count: m * k)
    for i in 0..<m {
      for range in [0..<min(16, k), min(16, k)..<k] {
        var part = job
        part.input = cotangent.source + i * n
        part.output = parts.pointer + i * k
        (part.rows, part.outputStart, part.outputEnd) = (1, range.lowerBound, range.upperBound)
        kernels.fullyConnectedPullback(part, outputs: n)
      }
    }
    #expect(parts.isIntact && parts.bits == output.bits)
  }

  @Test("through activations multiply by the slope", arguments: variants, [1, 8, 16, 21, 70])
  func gates(set: InstructionSet, channels: Int) {
    let kernels = Kernels(set)
    let rows = 3
    let kept = random(rows * channels, 1)
    for i in 0..<kept.count { kept[i] = kept[i] * 9 }
    let cotangent = random(rows * channels, 2)
    let residual = random(rows * channels, 3)
    let slopes: [(Slope, (Double) -> Double)] = [
      (.positive, { $0 > 0 ? 1 : 0 }), (.inside, { $0 > 0 && $0 < 6 ? 1 : 0 }),
      (.sigmoid, { $0 * (1 - $0) }),
      (.hardSwish, { $0 <= -3 ? 0 : ($0 < 3 ? (2 * $0 + 3) / 6 : 1) }),
      (.hardSigmoid, { abs($0) < 3 ? 1 / 6 : 0 }),
      (
        .gelu,
        {
          let density = 0.3989422804014327 * exponential(-0.5 * $0 * $0)
          return 0.5 * (1 + errorFunction($0 / 2.0.squareRoot())) + $0 * density
        }
      ),
      (
        .silu,
        {
          let s = 1 / (1 + exponential(-$0))
          return s * (1 + $0 * (1 - s))
        }
      ),
    ]
    for (slope, derivative) in slopes {
      for (isGuided, isAfter) in [(false, false), (false, true), (true, false), (true, true)] {
        let epilogue = Epilogue(
          residual: residual.source, residualStride: channels, residualAfterActivation: isAfter,
          gate: Gate(
            values: kept.source, stride: channels, slope: slope, isGuided: isGuided))
        let output = GuardedBuffer(count: rows * channels)
        kernels.finish(
          cotangent.source, stride: channels, into: output.pointer, outputStride: channels,
          rows: rows, channels: channels, epilogue: epilogue)
        #expect(output.isIntact)
        for i in 0..<rows * channels {
          var v = Double(cotangent[i])
          if !isAfter { v += Double(residual[i]) }
          if isGuided { v = kept[i] > 0 ? max(v, 0) : 0 }
          v *= derivative(Double(kept[i]))
          if isAfter { v += Double(residual[i]) }
          #expect(abs(Double(output[i]) - v) <= 1e-4 * (1 + abs(v)), "\(slope) \(i)")
        }
      }
    }
  }

  @Test("through a normalised ReLU look at the number that was normalised", arguments: variants)
  func normalized(set: InstructionSet) {
    let kernels = Kernels(set)
    let (rows, channels) = (4, 37)
    let (kept, cotangent) = (random(rows * channels, 1), random(rows * channels, 2))
    let (scale, shift) = (random(channels, 3), random(channels, 4))
    let residual = random(rows * channels, 5)
    for isGuided in [false, true] {
      let output = GuardedBuffer(count: rows * channels)
      kernels.finish(
        cotangent.source, stride: channels, into: output.pointer, outputStride: channels,
        rows: rows, channels: channels,
        epilogue: Epilogue(
          residual: residual.source, residualStride: channels, residualAfterActivation: true,
          gate: Gate(
            values: kept.source, stride: channels, slope: .positive, scale: scale.source,
            shift: shift.source, isGuided: isGuided)))
      #expect(output.isIntact)
      for i in 0..<rows * channels {
        let y = Double(kept[i]) * Double(scale[i % channels]) + Double(shift[i % channels])
        guard abs(y) > 1e-6 else { continue }
        let v = y > 0 ? (isGuided ? max(cotangent[i], 0) : cotangent[i]) : 0
        #expect(output[i] == v + residual[i], "\(i)")
      }
    }
  }

  @Test(
    "bits of a rectifier that are written beside its output are its slope", arguments: variants,
    [1, 8, 16, 21, 70])
  func bits(set: InstructionSet, channels: Int) {
    let kernels = Kernels(set)
    let rows = 5
    let sums = random(rows * channels, 1)
    for i in 0..<sums.count { sums[i] = sums[i] * 9 }
    let cotangent = random(rows * channels, 2)
    let stride = Keep.rowSize(channels: channels)
    for isBounded in [false, true] {
      let bits = GuardedBuffer(count: rows * stride / 4)
      var rectifier = isBounded ? Epilogue.relu6 : .relu
      rectifier.keep = Keep(bits: bits.pointer, stride: stride, isBounded: isBounded)
      let output = GuardedBuffer(count: rows * channels)
      kernels.finish(
        sums.source, stride: channels, into: output.pointer, outputStride: channels, rows: rows,
        channels: channels, epilogue: rectifier)
      #expect(bits.isIntact && output.isIntact)
      for isGuided in [false, true] {
        let back = GuardedBuffer(count: rows * channels)
        kernels.finish(
          cotangent.source, stride: channels, into: back.pointer, outputStride: channels,
          rows: rows, channels: channels,
          epilogue: Epilogue(
            gate: Gate(
              values: bits.pointer, stride: stride, slope: .bits, isGuided: isGuided)))
        #expect(back.isIntact)
        for i in 0..<rows * channels {
          let passes = sums[i] > 0 && (!isBounded || sums[i] < 6)
          let v = isGuided ? max(cotangent[i], 0) : cotangent[i]
          #expect(back[i] == (passes ? v : 0), "\(i)")
        }
      }
    }
  }

  @Test("over pixels add and spread", arguments: variants, [[1, 1], [7, 21], [50, 70]])
  func pixels(set: InstructionSet, size: [Int]) {
    let kernels = Kernels(set)
    let (pixels, channels) = (size[0], size[1])
    let (a, b) = (random(pixels * channels, 1), random(pixels * channels, 2))
    let sums = GuardedBuffer(count: channels)
    kernels.channelProducts(
      a.source, stride: channels, b.source, otherStride: channels, pixels: pixels,
      channelStart: 0, channelEnd: channels, output: sums.pointer)
    let spread = GuardedBuffer(count: pixels * channels)
    kernels.spread(
      sums.source, factor: 0.5, into: spread.pointer, outputStride: channels, rows: pixels,
      channels: channels)
    #expect(sums.isIntact && spread.isIntact)
    for c in 0..<channels {
      let products = (0..<pixels).map {
        Double(a[$0 * channels + c]) * Double(b[$0 * channels + c])
      }
      let bound = Double(pixels + 4) * 2 * unit * products.reduce(0) { $0 + abs($1) }
      #expect(abs(Double(sums[c]) - products.reduce(0, +)) <= bound)
      #expect((0..<pixels).allSatisfy { spread[$0 * channels + c] == sums[c] * 0.5 })
    }
  }
}
