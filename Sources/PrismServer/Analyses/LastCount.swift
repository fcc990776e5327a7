internal import Synchronization

/// A count that only grows.
final class LastCount: Sendable {
  private let value = Mutex(0)

  /// Sets the count, and returns by how much it has grown.
  func advance(to count: Int) -> Int {
    value.withLock { value in
      defer { value = max(value, count) }
      return max(count - value, 0)
    }
  }
}
