internal import Prism

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A file that is held until this is gone, which it also is where the process is killed.
///
/// Where the file system knows no locks, nothing is held.
final class HeldFile: Sendable {
  private let descriptor: CInt

  /// - Parameter path: A file that is there.
  init(_ path: String) {
    descriptor = open(path, O_WRONLY | O_CLOEXEC)
    // Who looks whether the file is held holds it for a moment.
    if descriptor >= 0 { FileLock.take(descriptor, waits: true) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Whether a file is there that nobody holds, or of which that cannot be known.
  ///
  /// - Parameter path: The file.
  /// - Returns: `false` also where there is no file.
  static func isLeft(_ path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return FileLock.take(descriptor, isShared: true, waits: false) != .held
  }
}
