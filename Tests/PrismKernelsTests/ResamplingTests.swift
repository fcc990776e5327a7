import PrismKernels
import PrismTestSupport
import Testing

@Suite("resampling kernels")
struct ResamplingTests {
  /// A picture and what it becomes along one axis, by random starts and weights.
  struct Case: CustomTestStringConvertible {
    let width, height, newCount, taps: Int

    var testDescription: String { "\(width)×\(height) to \(newCount) by \(taps)" }
  }

  static let cases = [
    Case(width: 1, height: 1, newCount: 1, taps: 1),
    Case(width: 1, height: 3, newCount: 5, taps: 1),
    Case(width: 2, height: 2, newCount: 3, taps: 2),
    Case(width: 7, height: 9, newCount: 4, taps: 3),
    Case(width: 33, height: 12, newCount: 40, taps: 5),
    Case(width: 50, height: 37, newCount: 16, taps: 9),
  ]

  @Test("give the sums of the definition", arguments: InstructionSet.available, cases)
  func definition(_ set: InstructionSet, _ c: Case) {
    var random = SplitMix(state: 7)
    let source = (0..<3 * c.width * c.height).map { _ in UInt8(random.next() & 255) }
    for alongRows in [true, false] {
      let count = alongRows ? c.width : c.height
      let taps = min(c.taps, count)
      let starts = (0..<c.newCount).map { _ in Int(random.next() % UInt64(count - taps + 1)) }
      // Sums below 0 and above 255 too.
      let weights = (0..<c.newCount * taps).map { _ in
        (Int32(truncatingIfNeeded: random.next() % (2 << 22)) - (1 << 21)) / Int32(taps)
      }
      let expected = Self.plain(source, c, alongRows, starts, taps, weights)
      let result = Self.run(Kernels(set), source, c, alongRows, starts, taps, weights)
      #expect(result == expected, "\(alongRows ? "rows" : "columns")")
    }
  }

  private static func plain(
    _ source: [UInt8], _ c: Case, _ alongRows: Bool, _ starts: [Int], _ taps: Int,
    _ weights: [Int32]
  ) -> [UInt8] {
    let (rows, columns) = alongRows ? (c.height, c.newCount) : (c.newCount, c.width)
    var result: [UInt8] = []
    for y in 0..<rows {
      for x in 0..<columns {
        for channel in 0..<3 {
          var sum = 1 << 21
          for k in 0..<taps {
            let from = alongRows ? y * c.width + starts[x] + k : (starts[y] + k) * c.width + x
            sum += Int(source[3 * from + channel]) * Int(weights[(alongRows ? x : y) * taps + k])
          }
          result.append(UInt8(clamping: sum >> 22))
        }
      }
    }
    return result
  }

  private static func run(
    _ kernels: Kernels, _ source: [UInt8], _ c: Case, _ alongRows: Bool, _ starts: [Int],
    _ taps: Int, _ weights: [Int32]
  ) -> [UInt8] {
    let pairs = (taps + 1) / 2
    let packed =
      !alongRows
      ? weights
      : (0..<c.newCount).flatMap { x in
        (0..<2 * pairs).flatMap { k in
          [Int32](repeating: k < taps ? weights[x * taps + k] : 0, count: 4)
        }
      }
    let rows = alongRows ? c.height : c.newCount
    let count = 3 * rows * (alongRows ? c.newCount : c.width)
    // What must not be written to.
    var target = [UInt8](repeating: 0xA5, count: count + 16)
    source.withUnsafeBufferPointer { source in
      starts.withUnsafeBufferPointer { starts in
        packed.withUnsafeBufferPointer { packed in
          target.withUnsafeMutableBufferPointer { target in
            guard let source = source.baseAddress, let starts = starts.baseAddress,
              let weights = packed.baseAddress, let target = target.baseAddress
            else { return }
            let job = ResamplingJob(
              source: source, width: c.width, target: target, newCount: c.newCount,
              starts: starts, taps: alongRows ? pairs : taps, weights: weights)
            // In two parts, the later first.
            for part in [rows / 2..<rows, 0..<rows / 2] {
              run(kernels, job, part, alongRows)
            }
          }
        }
      }
    }
    #expect(target.suffix(16).allSatisfy { $0 == 0xA5 }, "written behind the end")
    return Array(target.prefix(count))
  }

  private static func run(
    _ kernels: Kernels, _ job: ResamplingJob, _ part: Range<Int>, _ alongRows: Bool
  ) {
    guard alongRows else {
      return kernels.resampleAlongColumns(job, from: part.lowerBound, to: part.upperBound)
    }
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: job.scratchCount) { scratch in
      guard let scratch = scratch.baseAddress else { return }
      kernels.resampleAlongRows(job, from: part.lowerBound, to: part.upperBound, scratch: scratch)
    }
  }
}
