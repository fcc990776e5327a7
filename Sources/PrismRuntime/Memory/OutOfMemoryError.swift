internal import Synchronization

/// There is no memory for what was to be computed; nothing was lost.
public struct OutOfMemoryError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The bytes that were asked for.
  public let bytes: Int

  /// Makes an error.
  public init(bytes: Int) { self.bytes = bytes }

  /// One line that says what is wrong and what to do.
  public var description: String {
    "there is not enough memory: \(bytes) bytes more are needed; use fewer --threads, a smaller --batch or a "
      + "smaller model"
  }
}

/// Memory that is refused, so that tests see what becomes of the work that needs it.
package final class MemoryFault: Sendable {
  /// What refuses memory in a task; nothing does unless a test says so.
  @TaskLocal package static var current: MemoryFault?

  private let left: Atomic<Int>

  /// Refuses one request.
  ///
  /// - Parameter request: Which one, counted from 1.
  package init(atRequest request: Int) { left = Atomic(request) }

  /// Whether no request has been refused so far.
  package var isWaiting: Bool { left.load(ordering: .relaxed) > 0 }

  /// Whether the request that is made now is to be refused.
  func refuses() -> Bool { left.subtract(1, ordering: .relaxed).newValue == 0 }
}
