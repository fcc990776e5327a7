/// Work that took longer than it may.
struct DeadlineError: Error, CustomStringConvertible {
  let seconds: Int
  var description: String { "the work took longer than \(seconds) seconds and was given up" }
}

/// Does work within a time.
///
/// - Parameters:
///   - seconds: The time.
///   - work: Ends soon after its task is cancelled.
/// - Returns: What the work returns.
/// - Throws: ``DeadlineError``; what the work throws.
func within<Value: Sendable>(
  seconds: Int, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  try await withThrowingTaskGroup(of: Value?.self) { group in
    group.addTask { try await work() }
    group.addTask {
      try await Task.sleep(for: .seconds(seconds))
      return nil
    }
    defer { group.cancelAll() }
    guard let first = try await group.next(), let value = first else {
      throw DeadlineError(seconds: seconds)
    }
    return value
  }
}
