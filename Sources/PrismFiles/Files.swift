#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The contents of files.
package enum Files {
  /// Reads a whole file, a pipe too.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - limits: What it may have; asked before memory is taken, and again while a pipe goes on.
  /// - Returns: The contents.
  /// - Throws: `FileError.notFound`, `.unreadable`, `.beyondLimit`.
  package static func read(
    _ path: String, limits: Limits = .current
  ) throws(FileError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      if errno == ENOENT { throw .notFound(path) }
      throw .unreadable(path, reason: AtomicFile.reason(errno))
    }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else {
      throw .unreadable(path, reason: AtomicFile.reason(errno))
    }
    if status.st_mode & S_IFMT == S_IFDIR { throw .unreadable(path, reason: "it is a folder") }
    let size = max(Int(clamping: status.st_size), 0)
    try check(size, path, limits)
    // An array that the system refuses would end the process; this is asked for and given back.
    guard let room = malloc(2 * size + 1) else {
      throw .unreadable(path, reason: "there is not enough memory for its \(size) bytes")
    }
    free(room)

    // Pipes have no size, and files may grow: read on until nothing comes.
    var bytes: [UInt8] = []
    var capacity = size + 1
    while true {
      var failure: CInt = 0
      let chunk = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
        while count < buffer.count {
          let got = systemRead(file, buffer.baseAddress.map { $0 + count }, buffer.count - count)
          if got < 0 {
            if errno == EINTR { continue }
            failure = errno
            return
          }
          if got == 0 { return }
          count += got
        }
      }
      guard failure == 0 else { throw .unreadable(path, reason: AtomicFile.reason(failure)) }
      if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
      try check(bytes.count, path, limits)
      if chunk.count < capacity { return bytes }
      capacity = 1 << 20
    }
  }

  private static func check(_ size: Int, _ path: String, _ limits: Limits) throws(FileError) {
    do { try limits.check(size, .bytes, of: path) } catch { throw .beyondLimit(error) }
  }
}

extension Files {
  /// The first bytes of a file, fewer where it has fewer; none of what is no regular file.
  ///
  /// - Throws: `FileError.unreadable`.
  package static func beginning(of path: String, count: Int) throws(FileError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw .unreadable(path, reason: AtomicFile.reason(errno)) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return [] }
    return [UInt8](unsafeUninitializedCapacity: count) { target, filled in
      filled = max(0, systemRead(file, target.baseAddress, count))
    }
  }
}

// Inside `Files`, the name alone would mean its own function.
private func systemRead(_ file: CInt, _ target: UnsafeMutableRawPointer?, _ count: Int) -> Int {
  read(file, target, count)
}
