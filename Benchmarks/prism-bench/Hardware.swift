internal import Dispatch
internal import Prism
internal import PrismKernels

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

#if arch(x86_64)
  import PrismPeakAVX2
  import PrismPeakAVX512
#endif

/// What the numbers were measured on, and what it can do at best.
struct Hardware {
  let processor: String
  let instructionSet: InstructionSet
  let threads: Int
  let commit: String
  let date: String
  /// Floating-point operations a second, of one thread and of all; `nil` where not measured.
  var peak: (single: Double, all: Double)?
  /// Bytes a second read from memory by all threads; `nil` where not measured.
  var bandwidth: Double?

  /// Describes this machine.
  ///
  /// - Parameter measuring: Whether to measure what it can do, which takes a moment.
  /// - Throws: `InstructionSetError` where the environment demands an instruction set that is not there.
  init(measuring: Bool) throws {
    processor = Self.processorName
    instructionSet = try InstructionSet.select().get()
    threads = Threads.count
    commit = Self.commitName
    date = Self.today
    guard measuring else { return }
    peak = (instructionSet.peak(threads: 1), instructionSet.peak(threads: threads))
    bandwidth = Memory.bandwidth(threads: threads)
  }

  /// Two lines for people.
  var summary: String {
    var line = "\(processor), \(instructionSet.rawValue), \(threads) threads, \(commit), \(date)"
    if let peak, let bandwidth {
      line += "\npeak \(fixed(peak.single / 1e9, 0)) GFLOP/s with one thread,"
      line += " \(fixed(peak.all / 1e9, 0)) with all;"
      line += " memory \(fixed(bandwidth / 1e9, 1)) GB/s"
    }
    return line
  }

  var json: JSON {
    [
      "processor": .string(processor), "instruction_set": .string(instructionSet.rawValue),
      "threads": .integer(threads), "commit": .string(commit), "date": .string(date),
      "peak_flops_one_thread": (peak?.single).map(JSON.number) ?? .null,
      "peak_flops": (peak?.all).map(JSON.number) ?? .null,
      "memory_bytes_per_second": bandwidth.map(JSON.number) ?? .null,
    ]
  }

  private static var processorName: String {
    field("model name", of: "/proc/cpuinfo") ?? "unknown processor"
  }

  private static var commitName: String {
    let name = output(of: "git rev-parse --short=12 HEAD 2>/dev/null")
    guard !name.isEmpty else { return "no commit" }
    let isClean = output(of: "git status --porcelain --untracked-files=no 2>/dev/null").isEmpty
    return isClean ? name : name + " with changes"
  }

  private static var today: String {
    var now = time(nil)
    var parts = tm()
    gmtime_r(&now, &parts)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(1900 + parts.tm_year)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
  }

  private static func output(of command: String) -> String {
    guard let stream = popen(command, "r") else { return "" }
    defer { pclose(stream) }
    var bytes: [UInt8] = []
    var byte = getc(stream)
    while byte != EOF {
      bytes.append(UInt8(truncatingIfNeeded: byte))
      byte = getc(stream)
    }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").joined(separator: " ")
  }
}

extension InstructionSet {
  /// The most floating-point operations a second that a number of threads reach.
  func peak(threads: Int) -> Double {
    let iterations = 4_000_000
    let seconds = (0..<5).map { _ in
      time {
        DispatchQueue.concurrentPerform(iterations: threads) { _ in sink(run(iterations)) }
      }
    }
    return Double(iterations * threads * flops) / (seconds.min() ?? .infinity)
  }

  private var flops: Int {
    switch self {
    case .baseline: PeakLoop.flops
    #if arch(x86_64)
      case .avx2: PrismPeakAVX2.PeakLoop.flops
      case .avx512: PrismPeakAVX512.PeakLoop.flops
    #else
      case .avx2, .avx512: PeakLoop.flops
    #endif
    }
  }

  private func run(_ iterations: Int) -> Float {
    switch self {
    case .baseline: PeakLoop.run(iterations, 0.999, 0.001)
    #if arch(x86_64)
      case .avx2: PrismPeakAVX2.PeakLoop.run(iterations, 0.999, 0.001)
      case .avx512: PrismPeakAVX512.PeakLoop.run(iterations, 0.999, 0.001)
    #else
      case .avx2, .avx512: PeakLoop.run(iterations, 0.999, 0.001)
    #endif
    }
  }
}

/// What the process and the machine do with memory.
enum Memory {
  /// Bytes that are resident now.
  static var resident: Int { status("VmRSS") }

  /// The most bytes that have been resident.
  static var highest: Int { status("VmHWM") }

  /// Bytes a second at which a number of threads read memory that is in no cache.
  static func bandwidth(threads: Int) -> Double {
    let count = 64 << 20
    let numbers = Tensor([count], repeating: 1)
    let part = count / threads / 64 * 64
    let seconds = (0..<3).map { _ in
      time {
        DispatchQueue.concurrentPerform(iterations: threads) { i in
          numbers.withUnsafePointer { sink(sum($0 + i * part, count: part)) }
        }
      }
    }
    return Double(part * threads * 4) / (seconds.min() ?? .infinity)
  }

  @inline(never)
  private static func sum(_ numbers: UnsafePointer<Float>, count: Int) -> Float {
    var sums = InlineArray<8, SIMD4<Float>>(repeating: .zero)
    let bytes = UnsafeRawPointer(numbers)
    var i = 0
    while i < count {
      for j in 0..<8 {
        sums[j] += (bytes + (i &* 4 &+ j &* 16)).loadUnaligned(as: SIMD4<Float>.self)
      }
      i &+= 32
    }
    var total = SIMD4<Float>.zero
    for j in 0..<8 { total += sums[j] }
    return total.sum()
  }

  private static func status(_ name: String) -> Int {
    let words = (field(name, of: "/proc/self/status") ?? "").split(separator: " ")
    return (words.first.flatMap { Int($0) } ?? 0) * 1024
  }
}

/// The first value of a field in a file of lines `name : value`, as Linux describes itself.
private func field(_ name: String, of path: String) -> String? {
  guard let stream = fopen(path, "r") else { return nil }
  defer { fclose(stream) }
  var line = [CChar](repeating: 0, count: 8192)
  while fgets(&line, Int32(line.count), stream) != nil {
    let end = line.firstIndex(of: 0) ?? line.count
    let text = String(decoding: line[..<end].map(UInt8.init(bitPattern:)), as: UTF8.self)
    let parts = text.split(separator: ":", maxSplits: 1)
    if parts.count == 2, trimmed(parts[0]) == name { return trimmed(parts[1]) }
  }
  return nil
}

/// The text without white space around it.
func trimmed(_ text: some StringProtocol) -> String {
  let start = text.drop { $0.isWhitespace }
  return String(start.reversed().drop { $0.isWhitespace }.reversed())
}
