internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// What somebody outside wants: that the work end at a good place, soon.
enum Interruption: Sendable {
  /// Ctrl-C.
  case interrupt
  /// The system's wish that the process end.
  case termination

  /// How the process ends after it.
  var status: Status {
    switch self {
    case .interrupt: .interrupted
    case .termination: .terminated
    }
  }

  private static let received = Atomic<Int32>(0)

  /// What the process has been told since it listens.
  static var current: Interruption? {
    switch received.load(ordering: .relaxed) {
    case 0: nil
    case SIGTERM: .termination
    default: .interrupt
    }
  }

  /// Whether the work should end.
  static var isRequested: Bool { current != nil }

  /// Takes Ctrl-C and its like as requests from now on; the second one ends the process at once, as
  /// usual.
  static func catchSignals() {
    received.store(0, ordering: .relaxed)
    for number in [SIGINT, SIGTERM] {
      _ = signal(number) { number in
        Interruption.received.store(number, ordering: .relaxed)
        _ = signal(SIGINT, SIG_DFL)
        _ = signal(SIGTERM, SIG_DFL)
      }
    }
  }

  /// Lets Ctrl-C and its like end the process again.
  static func releaseSignals() {
    _ = signal(SIGINT, SIG_DFL)
    _ = signal(SIGTERM, SIG_DFL)
  }
}

/// From where a command is told to stop.
struct Interruptions: Sendable {
  /// Begins to listen.
  let start: @Sendable () -> Void
  /// What has been heard.
  let current: @Sendable () -> Interruption?
  /// Listens no longer.
  let stop: @Sendable () -> Void

  /// From nowhere.
  static let none = Interruptions(start: {}, current: { nil }, stop: {})

  /// From the process's signals.
  static let signals = Interruptions(
    start: { Interruption.catchSignals() }, current: { Interruption.current },
    stop: { Interruption.releaseSignals() })
}
