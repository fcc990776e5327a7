internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A file that is written beside its final place and appears there whole or not at all.
///
/// End with ``commit(isDurable:)`` or ``discard()``.
public struct AsideFile: Sendable {
  /// Tells the files of a process apart.
  private static let count = Atomic<Int>(0)

  private let path: String
  private let aside: String
  private let descriptor: Int32

  /// Opens a file beside another.
  ///
  /// - Parameters:
  ///   - path: The final place.
  ///   - name: What errors call the file; the path unless given.
  /// - Throws: `FileError.cannotWrite`.
  public init(for path: String, called name: String? = nil) throws(FileError) {
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { String(path[...$0]) } ?? ""
    let isFolder = slash.map { path.index(after: $0) == path.endIndex } ?? path.isEmpty
    var status = stat()
    if isFolder || (stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG) {
      throw .cannotWrite(
        name ?? path, reason: "not a file; give the path of the file to write")
    }
    var attempt = 0
    while true {
      // Names may be as long as the system allows, so this one does not build on it.
      let number = Self.count.add(1, ordering: .relaxed).newValue
      let candidate = "\(folder).prism-\(getpid())-\(number).part"
      let descriptor = open(candidate, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 {
        self.path = path
        aside = candidate
        self.descriptor = descriptor
        return
      }
      attempt += 1
      guard errno == EEXIST, attempt < 1000 else {
        throw .cannotWrite(name ?? path, reason: AtomicFile.reason(errno))
      }
    }
  }

  /// Writes bytes after those before.
  ///
  /// - Throws: `FileError.cannotWrite`.
  public func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    let failure = writeAll(bytes, to: descriptor)
    guard failure == 0 else { throw .cannotWrite(path, reason: AtomicFile.reason(failure)) }
  }

  /// Puts the file in its place.
  ///
  /// - Parameter isDurable: Whether to wait until the disk has it, which survives a power cut.
  /// - Throws: `FileError.cannotWrite`; ``discard()`` is still to be called then.
  public func commit(isDurable: Bool = false) throws(FileError) {
    guard !isDurable || fsync(descriptor) == 0, rename(aside, path) == 0 else {
      throw .cannotWrite(path, reason: AtomicFile.reason(errno))
    }
    close(descriptor)
  }

  /// Removes what was written.
  public func discard() {
    close(descriptor)
    unlink(aside)
  }

  /// Ends writing and waits until the disk has the data; the file stays aside.
  ///
  /// - Throws: `FileError.cannotWrite`; ``discard()`` is still to be called then.
  func seal() throws(FileError) {
    guard fsync(descriptor) == 0 else {
      throw .cannotWrite(path, reason: AtomicFile.reason(errno))
    }
    close(descriptor)
  }

  /// Puts a sealed file in its place.
  ///
  /// - Throws: `FileError.cannotWrite`; ``remove()`` is still to be called then.
  func place() throws(FileError) {
    guard rename(aside, path) == 0 else {
      throw .cannotWrite(path, reason: AtomicFile.reason(errno))
    }
  }

  /// Removes a sealed file.
  func remove() { unlink(aside) }
}

/// Writes everything and returns 0 or an error number.
func writeAll(_ bytes: UnsafeRawBufferPointer, to file: CInt) -> CInt {
  var rest = bytes[...]
  while !rest.isEmpty {
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
