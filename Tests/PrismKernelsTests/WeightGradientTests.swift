import PrismKernels
import PrismTestSupport
import Testing

@Suite("gradients by weights")
struct WeightGradientTests {
  /// Sizes on both sides of vectors, panels, tiles and pieces of pixels.
  static let windows: [ConvolutionCase] = [
    ConvolutionCase.same(1, 1, 1, 1, 1, 1), ConvolutionCase.same(1, 1, 40, 97, 1, 1),
    ConvolutionCase.same(14, 15, 24, 70, 1, 1), ConvolutionCase.same(20, 21, 70, 13, 1, 1),
    ConvolutionCase.same(9, 8, 33, 16, 3, 1), ConvolutionCase.same(9, 8, 12, 40, 3, 2),
    ConvolutionCase.same(21, 20, 3, 35, 3, 2), ConvolutionCase.same(8, 7, 1, 5, 5, 1),
    ConvolutionCase.same(8, 9, 64, 64, 1, 2),
    ConvolutionCase(h: 7, w: 9, i: 20, o: 24, kh: 3, kw: 2, stride: 2, padding: [0, 1, 2, 0]),
    ConvolutionCase(h: 6, w: 5, i: 16, o: 8, kh: 2, kw: 2, stride: 1, padding: [1, 1, 0, 0]),
  ]

  static let depthwiseWindows: [ConvolutionCase] = [
    ConvolutionCase.same(1, 1, 1, 1, 3, 1), ConvolutionCase.same(2, 1, 9, 9, 3, 1),
    ConvolutionCase.same(11, 9, 33, 33, 3, 1), ConvolutionCase.same(12, 7, 24, 24, 3, 2),
    ConvolutionCase.same(12, 7, 40, 40, 5, 2), ConvolutionCase.same(5, 4, 16, 16, 7, 1),
    ConvolutionCase(h: 7, w: 9, i: 20, o: 20, kh: 3, kw: 3, stride: 2, padding: [0, 1, 2, 1]),
    ConvolutionCase(h: 7, w: 8, i: 35, o: 35, kh: 2, kw: 3, stride: 1, padding: [0, 0, 0, 0]),
    ConvolutionCase(h: 3, w: 2, i: 18, o: 18, kh: 3, kw: 3, stride: 1, padding: [2, 2, 2, 2]),
  ]

  /// Every pair of an output and a pixel under its window: their positions and the tap.
  private func taps(_ s: ConvolutionShape) -> [(output: Int, pixel: Int, tap: Int)] {
    var result: [(output: Int, pixel: Int, tap: Int)] = []
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
            result.append((y * s.outputWidth + x, iy * s.inputWidth + ix, ky * s.kernelWidth + kx))
          }
        }
      }
    }
    return result
  }

  /// An element of what is computed: an exact sum, and where the kernel has it.
  private struct Element {
    var place: Int
    var sum = Exact(value: 0, magnitude: 0)
  }

  private func expect(
    _ sums: GuardedBuffer, _ before: [Float], _ elements: [Element], terms: Int
  ) {
    #expect(sums.isIntact)
    #expect(Set(elements.map(\.place)).count == elements.count)
    var worst = 0.0
    for element in elements {
      let start = Double(before[element.place])
      let bound = Double(terms + 4) * 2 * unit * (element.sum.magnitude + abs(start)) + 1e-30
      worst = max(worst, abs(Double(sums[element.place]) - start - element.sum.value) / bound)
    }
    #expect(worst <= 1)
  }

  @Test(
    "of convolutions are added up over all pixels, whatever lies between pixels",
    arguments: windows, variants)
  func convolution(window: ConvolutionCase, set: InstructionSet) {
    let s = window.shape
    let layout = WeightGradientLayout(s)
    for hasPrologue in s.kernelHeight * s.strideHeight == 1 ? [false, true] : [false] {
      convolution(s, layout, Kernels(set), hasPrologue: hasPrologue)
    }
  }

  private func convolution(
    _ s: ConvolutionShape, _ layout: WeightGradientLayout, _ kernels: Kernels, hasPrologue: Bool
  ) {
    let (inputStride, stride) = (s.inputChannels + 5, s.outputChannels + 3)
    let x = random(s.inputHeight * s.inputWidth * inputStride, 1, misalignment: 1)
    let dy = random(s.outputHeight * s.outputWidth * stride, 2, misalignment: 3)
    let sums = random(layout.size, 3)
    let before = (0..<layout.size).map { sums[$0] }
    let scratch = GuardedBuffer(count: layout.scratchSize)
    let (scale, shift) = (random(s.inputChannels, 4), random(s.inputChannels, 5))
    let offsets = random(s.outputChannels, 6)
    let offsetsBefore = (0..<s.outputChannels).map { offsets[$0] }
    var job = WeightGradientJob(
      shape: s, input: x.source, inputStride: inputStride, cotangent: dy.source,
      cotangentStride: stride, sums: sums.pointer, scratch: scratch.pointer)
    job.channelSums = offsets.pointer
    if hasPrologue {
      job.prologue = Prologue(scale: scale.source, shift: shift.source, relu: true)
    }
    kernels.weightGradient(job)
    #expect(scratch.isIntact)
    let taps = s.kernelHeight * s.kernelWidth
    var elements: [Element] = []
    for tap in 0..<taps {
      for i in 0..<s.inputChannels {
        for o in 0..<s.outputChannels {
          let matrix = (layout.joinsTaps ? tap * s.inputChannels : tap * layout.rows)
          let (row, column) = layout.isByOutputs ? (i, o) : (o, i)
          elements.append(Element(place: (matrix + row) * layout.stride + column))
        }
      }
    }
    for (output, pixel, tap) in self.taps(s) {
      for i in 0..<s.inputChannels {
        var factor = Double(x[pixel * inputStride + i])
        if hasPrologue { factor = max(factor * Double(scale[i]) + Double(shift[i]), 0) }
        for o in 0..<s.outputChannels {
          let term = factor * Double(dy[output * stride + o])
          let index = (tap * s.inputChannels + i) * s.outputChannels + o
          elements[index].sum.value += term
          elements[index].sum.magnitude += abs(term)
        }
      }
    }
    expect(sums, before, elements, terms: s.outputHeight * s.outputWidth)
    var totals = (0..<s.outputChannels).map { Element(place: $0) }
    for output in 0..<s.outputHeight * s.outputWidth {
      for o in 0..<s.outputChannels {
        let term = Double(dy[output * stride + o])
        totals[o].sum.value += term
        totals[o].sum.magnitude += abs(term)
      }
    }
    expect(offsets, offsetsBefore, totals, terms: s.outputHeight * s.outputWidth)
  }

  @Test(
    "of depthwise convolutions are added up over all pixels", arguments: depthwiseWindows, variants)
  func depthwise(window: ConvolutionCase, set: InstructionSet) {
    let s = window.shape
    let c = s.inputChannels
    let layout = WeightGradientLayout(depthwise: s)
    let (inputStride, stride) = (c + 2, c + 1)
    let x = random(s.inputHeight * s.inputWidth * inputStride, 1, misalignment: 1)
    let dy = random(s.outputHeight * s.outputWidth * stride, 2)
    let sums = random(layout.size, 3)
    let before = (0..<layout.size).map { sums[$0] }
    let scratch = GuardedBuffer(count: layout.scratchSize)
    Kernels(set).depthwiseWeightGradient(
      WeightGradientJob(
        shape: s, input: x.source, inputStride: inputStride, cotangent: dy.source,
        cotangentStride: stride, sums: sums.pointer, scratch: scratch.pointer))
    #expect(scratch.isIntact)
    var elements = (0..<layout.rows).flatMap { tap in
      (0..<c).map { Element(place: tap * layout.stride + $0) }
    }
    for (output, pixel, tap) in taps(s) {
      for k in 0..<c {
        let term = Double(x[pixel * inputStride + k]) * Double(dy[output * stride + k])
        elements[tap * c + k].sum.value += term
        elements[tap * c + k].sum.magnitude += abs(term)
      }
    }
    expect(sums, before, elements, terms: s.outputHeight * s.outputWidth)
  }

  @Test(
    "of offsets and scales are added up over all pixels", arguments: variants,
    [[1, 1], [5, 16], [7, 33], [196, 24], [50, 100]])
  func channels(set: InstructionSet, size: [Int]) {
    let (pixels, c) = (size[0], size[1])
    let dy = random(pixels * (c + 1), 1)
    let x = random(pixels * (c + 2), 2, misalignment: 1)
    let (mean, factor) = (random(c, 3), random(c, 4))
    let (offsets, scales) = (random(c, 5), random(c, 6))
    let before = [offsets, scales].map { buffer in (0..<c).map { buffer[$0] } }
    let kernels = Kernels(set)
    kernels.addChannels(
      dy.source, stride: c + 1, pixels: pixels, channels: c, into: offsets.pointer)
    let others = random(c, 5)
    kernels.normalizationGradient(
      NormalizationGradientJob(
        cotangent: dy.source, cotangentStride: c + 1, input: x.source, inputStride: c + 2,
        mean: mean.source, factor: factor.source, pixels: pixels, channels: c,
        scales: scales.pointer, offsets: others.pointer))
    var elements = [(0..<c), (0..<c)].map { $0.map { Element(place: $0) } }
    for p in 0..<pixels {
      for k in 0..<c {
        let cotangent = Double(dy[p * (c + 1) + k])
        let (number, centre) = (Double(x[p * (c + 2) + k]), Double(mean[k]))
        let weight = cotangent * Double(factor[k])
        elements[0][k].sum.value += cotangent
        elements[0][k].sum.magnitude += abs(cotangent)
        elements[1][k].sum.value += weight * (number - centre)
        elements[1][k].sum.magnitude += abs(weight) * (abs(number) + abs(centre))
      }
    }
    expect(offsets, before[0], elements[0], terms: pixels)
    expect(others, before[0], elements[0], terms: pixels)
    expect(scales, before[1], elements[1], terms: pixels)
  }
}
