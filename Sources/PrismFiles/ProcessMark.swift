#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Whose a temporary file is: the machine, the process, and when that began, since numbers of
/// processes are used again.
struct ProcessMark: Equatable {
  let machine: String
  let process: pid_t
  let start: String

  /// This process's.
  static let own = ProcessMark(
    machine: machineName(), process: getpid(), start: start(of: getpid()) ?? "0")

  /// The mark as it stands in a file's name.
  var text: String { "\(machine)-\(process)-\(start)" }

  init(machine: String, process: pid_t, start: String) {
    self.machine = machine
    self.process = process
    self.start = start
  }

  /// Reads the mark in the name of a temporary file, `.prism-MACHINE-PROCESS-START-NUMBER.KIND`.
  init?(fileName name: String) {
    guard name.hasPrefix(".prism-") else { return nil }
    let parts = name.dropFirst(7).split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 4, let process = pid_t(parts[1]), process > 0 else { return nil }
    self.init(machine: String(parts[0]), process: process, start: String(parts[2]))
  }

  /// Whether the process has ended; `false` where that cannot be known, as of another machine's.
  var isDead: Bool {
    guard machine == Self.own.machine, self != Self.own else { return false }
    if kill(process, 0) != 0, errno == ESRCH { return true }
    return Self.start(of: process).map { $0 != start } ?? false
  }

  /// Eight digits for the machine and the space of its numbers of processes, which containers have
  /// of their own.
  private static func machineName() -> String {
    var name = [CChar](repeating: 0, count: 256)
    _ = gethostname(&name, name.count - 1)
    var space = [UInt8](repeating: 0, count: 64)
    let length = space.withUnsafeMutableBytes { target in
      target.baseAddress.map {
        readlink("/proc/self/ns/pid", $0.assumingMemoryBound(to: CChar.self), target.count)
      } ?? 0
    }
    let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) } + space.prefix(max(0, length))
    return String(SHA256.hexadecimalDigest(of: bytes).prefix(8))
  }

  /// When a process began, in the system's ticks, or `nil` where nobody says.
  private static func start(of process: pid_t) -> String? {
    guard let bytes = try? Files.beginning(of: "/proc/\(process)/stat", count: 1024) else {
      return nil
    }
    // The name in brackets may hold anything; the number is the twentieth after it.
    guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " "))
    return fields.count > 19 ? String(decoding: fields[19], as: UTF8.self) : nil
  }
}
