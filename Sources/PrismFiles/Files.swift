#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The contents of files.
package enum Files {
  /// Reads a whole file, a pipe too.
  ///
  /// - Throws: `FileError.notFound`, `.unreadable`.
  package static func read(_ path: String) throws(FileError) -> [UInt8] {
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

    // Pipes have no size, and files may grow: read on until nothing comes.
    var bytes: [UInt8] = []
    var capacity = max(Int(status.st_size), 0) + 1
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
      if chunk.count < capacity { return bytes }
      capacity = 1 << 20
    }
  }
}

// Inside `Files`, the name alone would mean its own function.
private func systemRead(_ file: CInt, _ target: UnsafeMutableRawPointer?, _ count: Int) -> Int {
  read(file, target, count)
}
