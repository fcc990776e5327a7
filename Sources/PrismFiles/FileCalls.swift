internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The calls of the system that write files: all of them are made here, so that tests can make any
/// of them fail.
///
/// As the system's own, they return a negative number after a failure, and `errno` says why.
enum FileCalls {
  static func create(_ path: String) -> CInt {
    hasFailed() ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
  }

  static func openExisting(_ path: String) -> CInt {
    hasFailed() ? -1 : open(path, O_WRONLY | O_CLOEXEC)
  }

  static func openForAppending(_ path: String) -> CInt {
    hasFailed() ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
  }

  /// Cuts a file off.
  static func cut(_ file: CInt, to count: Int) -> CInt {
    hasFailed() ? -1 : ftruncate(file, off_t(count))
  }

  /// Writes everything.
  ///
  /// - Returns: 0, or the number of the error.
  static func writeAll(_ bytes: UnsafeRawBufferPointer, to file: CInt) -> CInt {
    var rest = bytes[...]
    while !rest.isEmpty {
      if hasFailed() { return errno }
      let part = UnsafeRawBufferPointer(rebasing: rest)
      let count = write(file, part.baseAddress, min(part.count, 1 << 24))
      if count < 0 {
        if errno == EINTR { continue }
        return errno
      }
      if count == 0 { return EIO }
      rest = rest.dropFirst(count)
    }
    return 0
  }

  static func sync(_ file: CInt) -> CInt { hasFailed() ? -1 : fsync(file) }

  /// Begins to bring a file's data to the disk without waiting, where the system can do so (Linux
  /// starts to write what it is told that nobody will read); what fails here fails in ``sync(_:)``
  /// again.
  static func startSync(_ file: CInt) {
    #if os(Linux)
      _ = posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
    #endif
  }

  /// Closes a file, which is closed after a failure too.
  static func close(_ file: CInt) -> CInt {
    let fails = hasFailed()
    let (number, status) = (errno, systemClose(file))
    if fails { errno = number }
    return fails ? -1 : status
  }

  static func move(_ path: String, to target: String) -> CInt {
    hasFailed() ? -1 : rename(path, target)
  }

  /// Gives a file a second name.
  static func double(_ path: String, as other: String) -> CInt {
    hasFailed() ? -1 : link(path, other)
  }

  /// Waits until the disk knows the names in a folder; for a system that cannot tell, nothing.
  static func syncFolder(of path: String) -> CInt {
    if hasFailed() { return -1 }
    let folder = open(path.parentFolder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { return 0 }
    defer { _ = systemClose(folder) }
    guard fsync(folder) != 0 else { return 0 }
    return errno == EINVAL || errno == EROFS || errno == ENOTSUP ? 0 : -1
  }

  private static func hasFailed() -> Bool {
    guard let number = WriteFault.current?.next() else { return false }
    errno = number
    return true
  }
}

// Inside `FileCalls`, the name alone would mean its own function.
private func systemClose(_ file: CInt) -> CInt { close(file) }

/// A call that writes and fails, so that tests see what is left.
package final class WriteFault: Sendable {
  /// What fails in a task; nothing does unless a test says so.
  @TaskLocal package static var current: WriteFault?

  private let left: Atomic<Int>

  /// Makes one call fail as if the disk were full.
  ///
  /// - Parameter call: Which one, counted from 1.
  package init(atCall call: Int) { left = Atomic(call) }

  /// Whether the call has not come yet.
  package var isWaiting: Bool { left.load(ordering: .relaxed) > 0 }

  fileprivate func next() -> CInt? {
    left.subtract(1, ordering: .relaxed).newValue == 0 ? ENOSPC : nil
  }
}

extension String {
  /// The folder that a path leads into, `.` where it names none.
  var parentFolder: String {
    guard let slash = utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == startIndex ? "/" : String(self[..<slash])
  }
}
