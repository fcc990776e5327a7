internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A file that is written beside its final place and appears there whole or not at all.
///
/// End with ``commit(isDurable:)`` or ``discard()``.
public struct AsideFile: Sendable {
  /// Tells the files of a process apart.
  private static let count = Atomic<Int>(0)

  /// The final place.
  let path: String
  /// Where it is written.
  let aside: String
  private let file: OpenFile

  /// Opens a file beside another.
  ///
  /// - Parameters:
  ///   - path: The final place.
  ///   - name: What errors call the file; the path unless given.
  /// - Throws: `FileError.cannotWrite`.
  public init(for path: String, called name: String? = nil) throws(FileError) {
    let isFolder = path.isEmpty || path.utf8.last == UInt8(ascii: "/")
    var status = stat()
    if isFolder || (stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG) {
      throw .cannotWrite(
        name ?? path, reason: "not a file; give the path of the file to write")
    }
    var attempt = 0
    while true {
      let candidate = Self.name(besides: path, kind: "part")
      let descriptor = FileCalls.create(candidate)
      if descriptor >= 0 {
        self.path = path
        aside = candidate
        file = OpenFile(descriptor)
        return
      }
      attempt += 1
      guard errno == EEXIST, attempt < 1000 else {
        throw .cannotWrite(name ?? path, reason: AtomicFile.reason(errno))
      }
    }
  }

  /// A path in the same folder that tells whose it is.
  ///
  /// Names may be as long as the system allows, so this one does not build on the other.
  static func name(besides path: String, kind: String) -> String {
    let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? ""
    let number = count.add(1, ordering: .relaxed).newValue
    return "\(folder).prism-\(ProcessMark.own.text)-\(number).\(kind)"
  }

  /// Writes bytes after those before.
  ///
  /// - Throws: `FileError.cannotWrite`.
  public func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    let failure = FileCalls.writeAll(bytes, to: file.descriptor)
    guard failure == 0 else { throw .cannotWrite(path, reason: AtomicFile.reason(failure)) }
  }

  /// Puts the file in its place.
  ///
  /// - Parameter isDurable: Whether to wait until the disk has it, which survives a power cut.
  /// - Throws: `FileError.cannotWrite`; ``discard()`` is still to be called then.
  public func commit(isDurable: Bool = false) throws(FileError) {
    try finish(isSynced: isDurable)
    try place()
    guard !isDurable || FileCalls.syncFolder(of: path) == 0 else { throw failure() }
  }

  /// Removes what was written.
  public func discard() {
    _ = file.close()
    unlink(aside)
  }

  /// Lets the disk begin with what was written, without waiting.
  ///
  /// Several files that begin so before the first is sealed wait for the disk once.
  func startSync() { FileCalls.startSync(file.descriptor) }

  /// Ends writing and waits until the disk has the data; the file stays aside.
  ///
  /// - Throws: `FileError.cannotWrite`; ``discard()`` is still to be called then.
  func seal() throws(FileError) { try finish(isSynced: true) }

  private func finish(isSynced: Bool) throws(FileError) {
    guard !isSynced || FileCalls.sync(file.descriptor) == 0, file.close() == 0 else {
      throw failure()
    }
  }

  /// Puts a sealed file in its place.
  ///
  /// - Throws: `FileError.cannotWrite`; ``discard()`` is still to be called then.
  func place() throws(FileError) {
    guard FileCalls.move(aside, to: path) == 0 else { throw failure() }
  }

  private func failure() -> FileError { .cannotWrite(path, reason: AtomicFile.reason(errno)) }
}

/// An open file that is closed once.
private final class OpenFile: Sendable {
  private let number: Atomic<CInt>

  init(_ descriptor: CInt) { number = Atomic(descriptor) }

  var descriptor: CInt { number.load(ordering: .relaxed) }

  /// Closes the file where it is open.
  ///
  /// - Returns: 0, or −1 where what was written may be lost.
  func close() -> CInt {
    let descriptor = number.exchange(-1, ordering: .relaxed)
    return descriptor < 0 ? 0 : FileCalls.close(descriptor)
  }
}
