internal import Foundation
internal import Synchronization

/// Lets short jobs overtake long ones: a long job passes between batches, and waits there while
/// short jobs are about.
final class Turnstile: Sendable {
  private let condition = NSCondition()
  private let short = Mutex(0)
  /// How long a long job waits at most, so that many short jobs slow it but do not stop it.
  private let patience: Double

  init(patience: Double = 0.5) { self.patience = patience }

  /// A short job is about.
  func enter() { short.withLock { $0 += 1 } }

  /// A short job is done.
  func leave() {
    condition.lock()
    short.withLock { $0 -= 1 }
    condition.broadcast()
    condition.unlock()
  }

  /// Waits on the thread of a long job until no short job is about, or patience is at its end.
  func pass() {
    guard short.withLock({ $0 > 0 }) else { return }
    let end = Date(timeIntervalSinceNow: patience)
    condition.lock()
    defer { condition.unlock() }
    while short.withLock({ $0 > 0 }), condition.wait(until: end) {}
  }
}
