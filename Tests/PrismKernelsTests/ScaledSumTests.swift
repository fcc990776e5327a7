import PrismKernels
import PrismTestSupport
import Testing

@Suite("scaled sums")
struct ScaledSumTests {
  @Test("a value times factors is added to another", arguments: variants, [1, 8, 21, 70])
  func sums(set: InstructionSet, channels: Int) {
    let rows = 5
    let (a, b) = (random(rows * (channels + 1), 1), random(rows * (channels + 2), 2))
    let scale = random(channels, 3, misalignment: 1)
    let output = GuardedBuffer(count: rows * channels)
    Kernels(set).addScaled(
      a.source, stride: channels + 1, scale: scale.source, to: b.source,
      otherStride: channels + 2, into: output.pointer, outputStride: channels, rows: rows,
      channels: channels)
    #expect(output.isIntact)
    for row in 0..<rows {
      for c in 0..<channels {
        let expected =
          Double(b[row * (channels + 2) + c])
          + Double(a[row * (channels + 1) + c]) * Double(scale[c])
        #expect(abs(Double(output[row * channels + c]) - expected) <= 4 * unit)
      }
    }
  }
}
