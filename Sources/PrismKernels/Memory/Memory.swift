/// Memory that is asked for before it is taken.
package enum Memory {
  /// Runs what takes memory, where there is so much.
  ///
  /// - Parameters:
  ///   - bytes: What `body` takes at the most, beside what it asks for itself.
  ///   - body: The work.
  /// - Returns: What `body` returns.
  /// - Throws: ``OutOfMemoryError`` before the work begins, where the system has not so much or the
  ///   task's ``MemoryBudget`` does not allow it; what `body` throws.
  package static func expecting<Result>(
    _ bytes: Int, _ body: () throws -> Result
  ) throws -> Result {
    guard bytes >= MemoryBudget.leastOfAll else { return try body() }
    guard let budget = MemoryBudget.current else {
      return try bytes < MemoryBudget.usualLeast ? body() : AddressSpace.expecting(bytes, body)
    }
    guard bytes >= budget.least else { return try body() }
    try budget.ask(bytes)
    return try AddressSpace.expecting(bytes) { try budget.watching(bytes, body) }
  }

  /// Runs what takes memory for a number of floats, where there is so much.
  ///
  /// - Parameters:
  ///   - floats: What `body` takes at the most, beside what it asks for itself.
  ///   - body: The work.
  /// - Returns: What `body` returns.
  /// - Throws: As ``expecting(_:_:)``.
  package static func expecting<Result>(
    floats: Int, _ body: () throws -> Result
  ) throws -> Result {
    let (bytes, overflow) = floats.multipliedReportingOverflow(by: MemoryLayout<Float>.stride)
    return try expecting(overflow ? .max : bytes, body)
  }

  /// Runs work within a limit, unless it is within one already.
  ///
  /// - Parameters:
  ///   - limit: The most bytes that may be in use at a time.
  ///   - body: The work.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws.
  package static func bounded<Result>(
    by limit: Int, _ body: () throws -> Result
  ) rethrows -> Result {
    guard MemoryBudget.current == nil else { return try body() }
    return try MemoryBudget.$current.withValue(MemoryBudget(limit: limit), operation: body)
  }
}
