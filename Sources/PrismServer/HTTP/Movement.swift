internal import HTTPTypes
internal import Synchronization

/// How far the body of a request has come.
final class Movement: Sendable {
  private let bytes = Mutex(0)

  /// Counts bytes that have come.
  func count(_ more: Int) { bytes.withLock { $0 += more } }

  /// How many have come.
  var all: Int { bytes.withLock { $0 } }
}

/// The bytes of a body that have to come in the time; fewer are none.
private let leastMovement = 1024

/// Reads a body as long as it moves.
///
/// - Parameters:
///   - seconds: The time in which more of it has to come.
///   - read: Counts what has come, and ends soon after its task is cancelled.
/// - Returns: What was read.
/// - Throws: ``Problem`` where the body stands still; what reading throws.
func whileMoving(
  seconds: Int, _ read: @escaping @Sendable (Movement) async throws -> [UInt8]
) async throws -> [UInt8] {
  let movement = Movement()
  return try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
    group.addTask { try await read(movement) }
    group.addTask {
      var before = 0
      repeat {
        before = movement.all
        try await Task.sleep(for: .seconds(seconds))
      } while movement.all >= before + leastMovement
      return nil
    }
    defer { group.cancelAll() }
    guard let first = try await group.next(), let bytes = first else {
      throw Problem(
        .requestTimeout,
        "fewer than \(leastMovement) bytes of the body came in \(seconds) seconds; send it again")
    }
    return bytes
  }
}
