internal import PrismKernels

extension Limits {
  /// Runs work in no more memory than is allowed, unless it is bounded already.
  ///
  /// What counts are tensors, results and the arenas of plans; not the weights of a model, nor small
  /// values.
  ///
  /// - Parameter body: The work.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws; within it `OutOfMemoryError` where memory is refused.
  package func bounding<Result>(_ body: () throws -> Result) rethrows -> Result {
    try Memory.bounded(by: self[.memory], body)
  }
}

/// The memory of the process.
package enum ProcessMemory {
  /// Sees to it that what is not asked for beforehand has room, at the start of a program.
  ///
  /// - Throws: `OutOfMemoryError` where there is not enough to begin.
  package static func prepare() throws { try AddressSpace.prepare() }

  /// Runs what takes memory, where there is so much.
  ///
  /// - Parameters:
  ///   - bytes: What `body` takes at the most.
  ///   - body: The work.
  /// - Returns: What `body` returns.
  /// - Throws: `OutOfMemoryError` before the work begins; what `body` throws.
  package static func expecting<Result>(_ bytes: Int, _ body: () throws -> Result) throws -> Result
  {
    try Memory.expecting(bytes, body)
  }

  /// The bytes of memory that the process has, as the system counts them; 0 where it does not tell.
  package static var resident: Int {
    guard let bytes = try? Files.read("/proc/self/statm") else { return 0 }
    let pages = String(decoding: bytes, as: UTF8.self).split(separator: " ").dropFirst().first
    return (pages.flatMap { Int($0) } ?? 0) * 4096
  }
}
