#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A file or pipe that the process was given open, such as its standard input.
package struct Descriptor: Sendable {
  /// What the process is sent.
  package static let standardInput = Descriptor(STDIN_FILENO, "the standard input")
  /// Where the process's results go.
  package static let standardOutput = Descriptor(STDOUT_FILENO, "the standard output")

  private let number: CInt
  private let name: String

  /// - Parameters:
  ///   - number: The number of an open file.
  ///   - name: What errors call it.
  package init(_ number: CInt, _ name: String) {
    self.number = number
    self.name = name
  }

  /// Waits for bytes.
  ///
  /// - Parameter count: The most that are wanted.
  /// - Returns: What there is, at least one byte; none at the end.
  /// - Throws: `FileError.unreadable`.
  package func read(atMost count: Int) throws(FileError) -> [UInt8] {
    var failure: CInt = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: max(count, 1)) { buffer, filled in
      while true {
        let got = systemRead(number, buffer.baseAddress, buffer.count)
        if got < 0, errno == EINTR { continue }
        if got < 0 { failure = errno }
        filled = max(got, 0)
        return
      }
    }
    guard failure == 0 else { throw .unreadable(name, reason: AtomicFile.reason(failure)) }
    return bytes
  }

  /// Looks whether somebody may still read what is written, without writing anything.
  ///
  /// - Throws: `FileError.cannotWrite` where the other end of a pipe or of a connection is closed.
  package func checkReader() throws(FileError) {
    var entry = pollfd(fd: number, events: 0, revents: 0)
    guard poll(&entry, 1, 0) == 1, entry.revents & Int16(POLLERR | POLLHUP) != 0 else { return }
    throw .cannotWrite(name, reason: AtomicFile.reason(EPIPE))
  }

  /// Writes everything, and waits until it is taken.
  ///
  /// - Parameter bytes: The bytes.
  /// - Throws: `FileError.cannotWrite`, also where nobody reads any more.
  package func write(_ bytes: [UInt8]) throws(FileError) {
    let failure = bytes.withUnsafeBytes { FileCalls.writeAll($0, to: number) }
    guard failure == 0 else { throw .cannotWrite(name, reason: AtomicFile.reason(failure)) }
  }
}

// Inside `Descriptor`, the name alone would mean its own function.
private func systemRead(_ file: CInt, _ target: UnsafeMutablePointer<UInt8>?, _ count: Int) -> Int {
  read(file, target, count)
}
