internal import Prism

/// One measured case.
struct Row {
  let name: String
  let timing: Timing
  /// The floating-point operations of one call; 0 where they are not what matters.
  var flops = 0
  /// The bytes that one call must at least read and write; 0 where unknown.
  var bytes = 0
  /// The inputs of one call; times are printed a piece.
  var images = 1

  var flopsPerSecond: Double? { flops > 0 ? Double(flops) / timing.median : nil }
  var bytesPerSecond: Double? { bytes > 0 ? Double(bytes) / timing.median : nil }
}

/// Collects rows; prints each as it comes and writes the JSON document at the end.
struct Report {
  let hardware: Hardware
  let mode: String
  private(set) var rows: [Row] = []
  private let width = 62

  init(_ mode: String, on hardware: Hardware) {
    self.mode = mode
    self.hardware = hardware
    print(hardware.summary)
    print("")
    print(line(["case", "median", "least", "GFLOP/s", "of peak", "GB/s"]))
  }

  /// The share of the peak of all threads that a row reaches.
  private func share(_ row: Row) -> Double? {
    guard let peak = hardware.peak, let speed = row.flopsPerSecond else { return nil }
    return speed / peak.all
  }

  /// Prints and keeps a row.
  mutating func add(_ row: Row) {
    rows.append(row)
    let pieces = Double(row.images)
    print(
      line([
        row.name, duration(row.timing.median / pieces), duration(row.timing.least / pieces),
        row.flopsPerSecond.map { fixed($0 / 1e9, 1) } ?? "",
        share(row).map { fixed($0 * 100, 0) + " %" } ?? "",
        row.bytesPerSecond.map { fixed($0 / 1e9, 1) } ?? "",
      ]))
  }

  var json: JSON {
    let cases = rows.map { row -> JSON in
      [
        "name": .string(row.name), "images": .integer(row.images),
        "median_seconds": .number(row.timing.median), "least_seconds": .number(row.timing.least),
        "samples": .integer(row.timing.samples.count), "flops": .integer(row.flops),
        "bytes": .integer(row.bytes), "peak_share": share(row).map(JSON.number) ?? .null,
      ]
    }
    return ["mode": .string(mode), "machine": hardware.json, "cases": .array(cases)]
  }

  /// Writes the document, if a file is named.
  func write(to path: String?) throws {
    if rows.isEmpty { throw BenchError.nothingToDo }
    if let path { try AtomicFile.write(json.formatted + "\n", to: path) }
  }

  private func line(_ cells: [String]) -> String {
    let name = cells[0].padded(to: width)
    return name + cells.dropFirst().map { $0.padded(to: 11, atEnd: false) }.joined()
  }
}

/// Why a benchmark could not run.
enum BenchError: Error, CustomStringConvertible {
  case nothingToDo
  case badFilter(String)
  case badTable(String, line: Int)
  case staleTable(String)
  case badRequest(String)
  case unequal(String)

  var description: String {
    switch self {
    case .nothingToDo: "no case has a name that the filter finds"
    case .badFilter(let text): "the filter \(text) is no regular expression"
    case .badTable(let path, let line):
      "\(path):\(line) is no layer; `layers --write` makes the file"
    case .staleTable(let path): "\(path) is stale; `layers --write` makes it again"
    case .badRequest(let reason): reason
    case .unequal(let name): "\(name): updates and whole passes give different numbers"
    }
  }
}

/// A number with a fixed count of decimals.
func fixed(_ value: Double, _ decimals: Int) -> String {
  guard value.isFinite else { return "?" }
  var scale = 1.0
  for _ in 0..<decimals { scale *= 10 }
  let scaled = Int((value.magnitude * scale).rounded())
  let sign = value < 0 && scaled > 0 ? "-" : ""
  guard decimals > 0 else { return sign + String(scaled) }
  let fraction = String(scaled % Int(scale))
  let zeros = String(repeating: "0", count: decimals - fraction.count)
  return sign + "\(scaled / Int(scale)).\(zeros)\(fraction)"
}

/// A time with a unit that suits it.
func duration(_ seconds: Double) -> String {
  switch seconds {
  case ..<1e-6: fixed(seconds * 1e9, 1) + " ns"
  case ..<1e-3: fixed(seconds * 1e6, 1) + " µs"
  case ..<1: fixed(seconds * 1e3, 2) + " ms"
  default: fixed(seconds, 2) + " s"
  }
}

extension String {
  /// The text with blanks up to a width.
  func padded(to width: Int, atEnd: Bool = true) -> String {
    let blanks = String(repeating: " ", count: Swift.max(0, width - count))
    return atEnd ? self + blanks : blanks + self
  }
}
