public import PrismFiles
internal import PrismKernels
#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif
internal import Synchronization

/// The bytes of a file, mapped into memory and never written to.
///
/// Tensors borrow their elements from it and keep it alive. The file must not be shortened while it
/// is mapped (the system ends a process that reads beyond the end); ``SafetensorsWriter`` replaces
/// files whole, which leaves the old bytes in place for whoever has them mapped.
public final class MappedFile: Sendable {
  /// The path as it was given.
  public let path: String
  /// The number of bytes.
  public let count: Int

  // Set once in `init`; the memory behind it is never written after that, so any thread may read
  // it.
  private nonisolated(unsafe) let base: UnsafeRawPointer
  /// The open file, or `nil` for bytes that were never in one.
  private let descriptor: CInt?
  private let digest = Mutex<String?>(nil)

  /// MADV_POPULATE_READ of Linux 5.14, which older headers do not have.
  private static let populateForReading: CInt = 22

  /// Maps a file.
  ///
  /// - Parameters:
  ///   - path: The path of the file; links are followed.
  ///   - limits: What it may have.
  /// - Throws: `notFound`, `notAFile`, `empty`, `unreadable` or `beyondLimit`.
  public init(contentsOf path: String, limits: Limits = .current) throws(WeightError) {
    // Without O_NONBLOCK the system would wait for a writer where the path is a pipe.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { throw .notFound(file: path) }
      throw .unreadable(file: path, reason: systemMessage())
    }
    var isKept = false
    defer { if !isKept { close(descriptor) } }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .unreadable(file: path, reason: systemMessage())
    }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(file: path) }
    guard status.st_size > 0 else { throw .empty(file: path) }
    guard let size = Int(exactly: status.st_size) else {
      throw .unreadable(file: path, reason: "too large for this machine")
    }
    do { try limits.check(size, .weights, of: path) } catch { throw .beyondLimit(error) }
    guard let memory = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), memory != MAP_FAILED
    else { throw .unreadable(file: path, reason: systemMessage()) }
    #if os(Linux)
      // All of a small file is looked at soon: its pages are mapped in one call, not in hundreds of
      // faults. Systems that do not know the call refuse it, and nothing is lost.
      if size <= 32 << 20 { madvise(memory, size, Self.populateForReading) }
    #endif
    self.path = path
    count = size
    base = UnsafeRawPointer(memory)
    self.descriptor = descriptor
    isKept = true
  }

  /// Copies bytes that are already in memory, as if they had been read from a file.
  ///
  /// - Parameters:
  ///   - bytes: The contents.
  ///   - path: The name that errors give.
  public init(copying bytes: [UInt8], path: String) {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 64)
    memory.copyMemory(from: bytes, byteCount: bytes.count)
    self.path = path
    count = bytes.count
    base = UnsafeRawPointer(memory)
    descriptor = nil
  }

  deinit {
    if let descriptor {
      munmap(UnsafeMutableRawPointer(mutating: base), count)
      close(descriptor)
    } else {
      base.deallocate()
    }
  }

  /// The SHA-256 digest of the contents in hexadecimal digits, computed when first asked for.
  ///
  /// May be called from any thread, so that a program can hash while it computes. The contents are
  /// read, not looked at through the mapping, so that pages that nothing else needs take no memory.
  public var sha256: String {
    digest.withLock { known in
      if let known { return known }
      let result = descriptor.flatMap(digestByReading) ?? digestOfMapping
      known = result
      return result
    }
  }

  private var digestOfMapping: String {
    var digest = SHA256()
    withUnsafeBytes { digest.update($0) }
    return digest.hexadecimalDigest()
  }

  /// The digest of the open file, or `nil` where it cannot be read as it was mapped.
  private func digestByReading(_ descriptor: CInt) -> String? {
    var digest = SHA256()
    var offset = 0
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    defer { block.deallocate() }
    while offset < count {
      let length = pread(descriptor, block.baseAddress, min(block.count, count - offset), offset)
      guard length > 0 else { return nil }
      digest.update(UnsafeRawBufferPointer(rebasing: block[..<length]))
      offset += length
    }
    return digest.hexadecimalDigest()
  }

  /// Starts to compute ``sha256`` on another thread.
  public func beginHashing() {
    WorkThreads.begin { _ = self.sha256 }
  }

  /// Calls a closure with all bytes.
  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try body(UnsafeRawBufferPointer(start: base, count: count))
  }

  /// Hands the memory that holds a part of the contents back to the system; it is read from the
  /// file again on demand.
  ///
  /// Bytes that were never in a file stay, and so do pages of which the part does not hold all.
  func releasePages(_ range: Range<Int>) {
    guard descriptor != nil else { return }
    let page = Int(getpagesize())
    let (first, last) = (
      (range.lowerBound + page - 1) / page * page, range.upperBound / page * page
    )
    guard first < last else { return }
    madvise(UnsafeMutableRawPointer(mutating: base + first), last - first, MADV_DONTNEED)
  }

  /// Starts reading a large part of the contents ahead of use.
  func prefetch(_ range: Range<Int>) {
    guard descriptor != nil, range.count >= 1 << 20 else { return }
    let page = Int(getpagesize())
    let start = range.lowerBound / page * page
    let first = UnsafeMutableRawPointer(mutating: base + start)
    madvise(first, range.upperBound - start, MADV_WILLNEED)
  }
}

/// Zeros that occupy address space but no memory until they are read.
final class ZeroPages: Sendable {
  nonisolated(unsafe) let base: UnsafeRawPointer
  private let size: Int

  /// Reserves room for some floats, or returns `nil` where the system has none.
  init?(floats: Int) {
    let (bytes, overflow) = max(floats, 1).multipliedReportingOverflow(by: 4)
    guard !overflow else { return nil }
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    guard let memory = mmap(nil, bytes, PROT_READ, flags, -1, 0), memory != MAP_FAILED else {
      return nil
    }
    base = UnsafeRawPointer(memory)
    size = bytes
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: base), size) }
}

/// What the system says about the last call that failed.
func systemMessage() -> String {
  guard let text = strerror(errno) else { return "error \(errno)" }
  return String(cString: text)
}
