#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A file of lines that grows: every line is in it as soon as it is written.
package final class AppendedFile: Sendable {
  private let descriptor: CInt
  private let path: String

  /// Opens a file, and makes it where it is missing.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - count: The bytes that stay, such as those before a line that was never finished; `nil` for
  ///     all.
  /// - Throws: `FileError.cannotWrite`.
  package init(_ path: String, keeping count: Int? = nil) throws(FileError) {
    let descriptor = FileCalls.openForAppending(path)
    guard descriptor >= 0 else {
      throw .cannotWrite(path, reason: AtomicFile.reason(errno))
    }
    if let count, FileCalls.cut(descriptor, to: count) != 0 {
      let reason = AtomicFile.reason(errno)
      _ = FileCalls.close(descriptor)
      throw .cannotWrite(path, reason: reason)
    }
    self.path = path
    self.descriptor = descriptor
  }

  deinit { _ = FileCalls.close(descriptor) }

  /// Writes a line after those before.
  ///
  /// - Parameter line: Without line breaks.
  /// - Throws: `FileError.cannotWrite`.
  package func append(_ line: String) throws(FileError) {
    let bytes = Array((line + "\n").utf8)
    let failure = bytes.withUnsafeBytes { FileCalls.writeAll($0, to: descriptor) }
    guard failure == 0 else { throw .cannotWrite(path, reason: AtomicFile.reason(failure)) }
  }
}
