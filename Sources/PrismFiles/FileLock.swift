#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Locks of open files, which the system takes back when a process ends, however it ends.
package enum FileLock {
  /// Whether a lock was taken.
  package enum Outcome {
    case taken
    /// Another holds it.
    case held
    /// The file system knows no locks.
    case unknown
  }

  /// Takes a lock.
  ///
  /// - Parameters:
  ///   - file: The descriptor of an open file.
  ///   - isShared: Whether several may hold it at a time.
  ///   - waits: Whether to wait for those that hold it.
  /// - Returns: What came of it.
  @discardableResult
  package static func take(_ file: CInt, isShared: Bool = false, waits: Bool) -> Outcome {
    let operation = (isShared ? LOCK_SH : LOCK_EX) | (waits ? 0 : LOCK_NB)
    while flock(file, operation) != 0 {
      guard errno == EINTR else { return errno == EWOULDBLOCK ? .held : .unknown }
    }
    return .taken
  }
}
