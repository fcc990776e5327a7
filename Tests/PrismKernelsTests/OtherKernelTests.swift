import PrismKernels
import PrismTestSupport
import Testing

@Suite("fully connected")
struct FullyConnectedTests {
  @Test(
    "agrees with double precision; neither rows nor ranges change a bit", arguments: variants,
    [[1, 1, 1], [1, 10, 37], [3, 7, 64], [4, 8, 100], [9, 13, 255], [16, 6, 1000]])
  func agrees(set: InstructionSet, size: [Int]) {
    let kernels = Kernels(set)
    let (m, n, k) = (size[0], size[1], size[2])
    let a = random(m * k, 1, misalignment: 1)
    let w = random(n * k, 2, misalignment: 2)
    let bias = random(n, 3)
    let output = GuardedBuffer(count: m * n, misalignment: 1)
    let job = FullyConnectedJob(
      input: a.source, inputStride: k, weights: w.source, bias: bias.source,
      output: output.pointer, outputStride: n, rows: m, inputs: k, outputs: n, epilogue: .relu)
    kernels.fullyConnected(job)
    #expect(output.isIntact)
    var worst = 0.0
    for i in 0..<m {
      for j in 0..<n {
        var sum = Double(bias[j])
        var magnitude = abs(sum)
        for l in 0..<k {
          let product = Double(a[i * k + l]) * Double(w[j * k + l])
          sum += product
          magnitude += abs(product)
        }
        let bound = Double(k + 4) * 2 * unit * magnitude
        worst = max(worst, abs(Double(output[i * n + j]) - max(sum, 0)) / bound)
      }
    }
    #expect(worst <= 1)
    // One row at a time, outputs in two ranges.
    let alone = GuardedBuffer(count: m * n)
    for i in 0..<m {
      for (start, end) in [(0, n / 3), (n / 3, n)] {
        var part = job
        part.input = a.source + i * k
        part.output = alone.pointer + i * n
        part.rows = 1
        part.outputStart = start
        part.outputEnd = end
        kernels.fullyConnected(part)
      }
    }
    #expect(alone.isIntact && alone.bits == output.bits)
  }
}

@Suite("pooling")
struct PoolingTests {
  static let shapes: [ConvolutionCase] = [
    ConvolutionCase.same(1, 1, 1, 1, 3, 1), ConvolutionCase.same(112, 11, 9, 9, 3, 2),
    ConvolutionCase(h: 8, w: 9, i: 64, o: 64, kh: 2, kw: 2, stride: 2, padding: [0, 0, 0, 0]),
    ConvolutionCase(h: 7, w: 9, i: 33, o: 33, kh: 3, kw: 3, stride: 2, padding: [0, 1, 2, 1]),
    ConvolutionCase(
      h: 6, w: 6, i: 20, o: 20, kh: 2, kw: 2, stride: 2, padding: [0, 0, 0, 0], inputGap: 2,
      outputGap: 3),
  ]

  @Test("windows", arguments: variants, shapes)
  func windows(set: InstructionSet, c: ConvolutionCase) {
    let kernels = Kernels(set)
    let s = c.shape
    let lda = c.i + c.inputGap
    let ldc = c.o + c.outputGap
    let a = random((c.h * c.w - 1) * lda + c.i, 1, misalignment: 1)
    for mode in 0..<3 {
      let output = GuardedBuffer(
        count: (s.outputHeight * s.outputWidth - 1) * ldc + c.o, misalignment: 1)
      let job = ConvolutionJob(
        shape: s, input: a.source, inputStride: lda, weights: a.source, output: output.pointer,
        outputStride: ldc)
      switch mode {
      case 0: kernels.maximumPool(job)
      case 1: kernels.averagePool(job, countsPadding: false)
      default: kernels.averagePool(job, countsPadding: true)
      }
      #expect(output.isIntact)
      var worst = 0.0
      for y in 0..<s.outputHeight {
        for x in 0..<s.outputWidth {
          for ch in 0..<c.i {
            var values: [Double] = []
            for ky in 0..<c.kh {
              for kx in 0..<c.kw {
                let row = y * c.stride - c.padding[0] + ky
                let column = x * c.stride - c.padding[1] + kx
                guard (0..<c.h).contains(row), (0..<c.w).contains(column) else { continue }
                values.append(Double(a[(row * c.w + column) * lda + ch]))
              }
            }
            let divisor = Double(mode == 2 ? c.kh * c.kw : values.count)
            let expected =
              mode == 0 ? values.max() ?? 0 : values.reduce(0, +) / divisor
            let got = Double(output[(y * s.outputWidth + x) * ldc + ch])
            worst = max(worst, abs(got - expected))
          }
        }
      }
      #expect(worst <= (mode == 0 ? 0 : 10 * 2 * unit))
    }
  }

  @Test("maximum keeps a NaN", arguments: variants)
  func notANumber(set: InstructionSet) {
    let s = ConvolutionCase(
      h: 2, w: 2, i: 3, o: 3, kh: 2, kw: 2, stride: 2, padding: [0, 0, 0, 0]
    ).shape
    for position in 0..<4 {
      let a = random(12, 1)
      a[position * 3] = .nan
      let output = GuardedBuffer(count: 3)
      Kernels(set).maximumPool(
        ConvolutionJob(shape: s, input: a.source, weights: a.source, output: output.pointer))
      #expect(output[0].isNaN && output[1].isFinite && output[2].isFinite)
    }
  }

  @Test("global average", arguments: variants, [[1, 1], [49, 33], [6, 1280]])
  func global(set: InstructionSet, size: [Int]) {
    let (pixels, channels) = (size[0], size[1])
    let a = random(pixels * (channels + 1), 1)
    let output = GuardedBuffer(count: channels)
    for (start, end) in [(0, channels / 2), (channels / 2, channels)] {
      Kernels(set).globalAverage(
        a.source, inputStride: channels + 1, pixels: pixels, channelStart: start,
        channelEnd: end, output: output.pointer)
    }
    #expect(output.isIntact)
    for c in 0..<channels {
      let sum = (0..<pixels).reduce(0.0) { $0 + Double(a[$1 * (channels + 1) + c]) }
      #expect(abs(Double(output[c]) - sum / Double(pixels)) <= Double(pixels + 2) * unit)
    }
  }
}

@Suite("elementwise")
struct ElementwiseTests {
  @Test("SiLU and sigmoid are within 3e-7", arguments: variants)
  func curves(set: InstructionSet) {
    let count = 40_003
    let a = GuardedBuffer(count: count, misalignment: 1) { Float($0 - 20_000) * 0.0043 }
    for curve in [Curve.silu, .sigmoid] {
      let output = GuardedBuffer(count: count)
      let epilogue = Epilogue(curve: curve)
      Kernels(set).finish(
        a.source, stride: count, into: output.pointer, outputStride: count, rows: 1,
        channels: count, epilogue: epilogue)
      #expect(output.isIntact)
      var worst = 0.0
      for i in 0..<count where a[i] != 0 {
        let expected = activation(epilogue, Double(a[i]))
        worst = max(worst, abs(Double(output[i]) - expected) / abs(expected))
      }
      #expect(worst <= 3e-7)
    }
  }

  @Test("hard curves and GELU are within 4e-7 of what they are given", arguments: variants)
  func furtherCurves(set: InstructionSet) {
    let count = 20_011
    let a = GuardedBuffer(count: count, misalignment: 1) { Float($0 - 10_000) * 0.0013 }
    for curve in [Curve.hardSigmoid, .hardSwish, .gelu, .geluTanh] {
      let output = GuardedBuffer(count: count)
      let epilogue = Epilogue(curve: curve)
      Kernels(set).finish(
        a.source, stride: count, into: output.pointer, outputStride: count, rows: 1,
        channels: count, epilogue: epilogue)
      #expect(output.isIntact)
      var worst = 0.0
      for i in 0..<count {
        let difference = Double(output[i]) - activation(epilogue, Double(a[i]))
        worst = max(worst, abs(difference) / max(1, abs(Double(a[i]))))
      }
      #expect(worst <= 4e-7, "\(curve)")
    }
  }

  @Test("GELU is nothing far below zero, and the number itself far above", arguments: variants)
  func farGELU(set: InstructionSet) {
    let values: [Float] = [-1e30, -1000, -8, 8, 1000, 1e30, .nan, 0]
    let a = GuardedBuffer(count: 8) { values[$0] }
    for curve in [Curve.gelu, .geluTanh, .hardSwish] {
      let output = GuardedBuffer(count: 8)
      Kernels(set).finish(
        a.source, stride: 8, into: output.pointer, outputStride: 8, rows: 1, channels: 8,
        epilogue: Epilogue(curve: curve))
      #expect((0..<3).allSatisfy { abs(output[$0]) < 1e-7 }, "\(curve)")
      #expect((3..<6).allSatisfy { abs(output[$0] / values[$0] - 1) < 1e-6 }, "\(curve)")
      #expect(output[6].isNaN && output[7] == 0, "\(curve)")
    }
  }

  @Test("rows are normalised by their own moments", arguments: variants, [1, 3, 16, 37, 96])
  func normalization(set: InstructionSet, channels: Int) {
    let rows = 4
    let a = random((rows - 1) * (channels + 2) + channels, 1, misalignment: 1)
    let scale = random(channels, 3)
    let shift = random(channels, 4)
    let stride = channels + 3
    let output = GuardedBuffer(count: (rows - 1) * stride + channels)
    Kernels(set).normalizeRows(
      a.source, stride: channels + 2, into: output.pointer, outputStride: stride, rows: rows,
      channels: channels, scale: scale.source, shift: shift.source, epsilon: 1e-3)
    #expect(output.isIntact)
    for row in 0..<rows {
      let x = (0..<channels).map { Double(a[row * (channels + 2) + $0]) }
      let mean = x.reduce(0, +) / Double(channels)
      let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(channels)
      for c in 0..<channels {
        let normal = (x[c] - mean) / (variance + Double(Float(1e-3))).squareRoot()
        let expected = normal * Double(scale[c]) + Double(shift[c])
        #expect(abs(Double(output[row * stride + c]) - expected) < 1e-5)
      }
    }
  }

  @Test("extremes of the curves", arguments: variants)
  func extremes(set: InstructionSet) {
    let values: [Float] = [-.infinity, -1000, -100, 0, 100, 1000, .infinity, .nan]
    let a = GuardedBuffer(count: 8) { values[$0] }
    let output = GuardedBuffer(count: 8)
    Kernels(set).finish(
      a.source, stride: 8, into: output.pointer, outputStride: 8, rows: 1, channels: 8,
      epilogue: .sigmoid)
    #expect(output[0] < 1e-37 && output[2] < 1e-37 && output[3] == 0.5)
    #expect(output[4] == 1 && output[6] == 1 && output[7].isNaN)
    Kernels(set).finish(
      a.source, stride: 8, into: output.pointer, outputStride: 8, rows: 1, channels: 8,
      epilogue: .silu)
    #expect(abs(output[1]) < 1e-30 && output[3] == 0 && output[5] == 1000 && output[7].isNaN)
  }

  @Test("rows with gaps: scale and shift, product, sum", arguments: variants, [1, 5, 16, 37])
  func rows(set: InstructionSet, channels: Int) {
    let kernels = Kernels(set)
    let rows = 3
    let a = random((rows - 1) * (channels + 2) + channels, 1)
    let b = random((rows - 1) * (channels + 1) + channels, 2)
    let scale = random(channels, 3)
    let shift = random(channels, 4)
    let stride = channels + 3
    for mode in 0..<3 {
      let output = GuardedBuffer(count: (rows - 1) * stride + channels)
      switch mode {
      case 0:
        kernels.scaleShift(
          a.source, stride: channels + 2, into: output.pointer, outputStride: stride, rows: rows,
          channels: channels,
          prologue: Prologue(scale: scale.source, shift: shift.source, relu: true))
      case 1:
        kernels.multiply(
          a.source, stride: channels + 2, by: b.source, otherStride: channels + 1,
          into: output.pointer, outputStride: stride, rows: rows, channels: channels)
      default:
        kernels.finish(
          a.source, stride: channels + 2, into: output.pointer, outputStride: stride, rows: rows,
          channels: channels,
          epilogue: Epilogue(low: 0, residual: b.source, residualStride: channels + 1))
      }
      #expect(output.isIntact)
      for i in 0..<rows {
        for j in 0..<channels {
          let x = Double(a[i * (channels + 2) + j])
          let y = Double(b[i * (channels + 1) + j])
          let expected =
            mode == 0
            ? max(x * Double(scale[j]) + Double(shift[j]), 0) : (mode == 1 ? x * y : max(x + y, 0))
          #expect(abs(Double(output[i * stride + j]) - expected) <= 6 * unit)
        }
        for j in channels..<stride where i + 1 < rows {
          #expect(output.isUntouched(i * stride + j))
        }
      }
    }
  }

  @Test("softmax", arguments: variants, [1, 2, 15, 16, 17, 1000])
  func softmax(set: InstructionSet, count: Int) {
    var numbers = Sequence64(9)
    let a = GuardedBuffer(count: count, misalignment: 1) { _ in numbers.next() * 30 }
    let output = GuardedBuffer(count: count)
    Kernels(set).softmax(a.source, into: output.pointer, channels: count)
    #expect(output.isIntact)
    let largest = Double((0..<count).map { a[$0] }.max() ?? 0)
    let total = (0..<count).reduce(0.0) { $0 + exponential(Double(a[$1]) - largest) }
    var worst = 0.0
    for i in 0..<count {
      let distance = largest - Double(a[i])
      let expected = exponential(-distance) / total
      // The exponent itself is rounded.
      let bound = (1e-6 + distance * unit) * expected + 1e-37
      worst = max(worst, abs(Double(output[i]) - expected) / bound)
    }
    #expect(worst <= 1)
  }
}
