internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Whether somebody has pressed Ctrl-C, for work that then ends at a good place.
enum Interruption {
  private static let count = Atomic<Int>(0)

  /// Whether the work should end.
  static var isRequested: Bool { count.load(ordering: .relaxed) > 0 }

  /// Takes Ctrl-C as a request from now on; the second time it ends the process as usual.
  static func catchSignals() {
    _ = signal(SIGINT) { _ in
      Interruption.note()
      _ = signal(SIGINT, SIG_DFL)
    }
  }

  private static func note() { count.add(1, ordering: .relaxed) }
}
