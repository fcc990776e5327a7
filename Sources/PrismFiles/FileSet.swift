#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Files of a folder that appear together: all are written aside, and only when the disk has all of
/// them do they take their places.
///
/// End with ``commit()`` or ``discard()``. A failure leaves everything as it was. A process that is
/// killed while files take their places leaves a list of them, by which the next that writes there
/// goes on; of two processes that write the same names one waits for the other, so that the set
/// that is there is one's or the other's.
public struct FileSet: ~Copyable {
  /// How many files may be open at once.
  private static let openLimit = 32

  private var files: [AsideFile] = []
  /// How many of the files, from the first, the disk has.
  private var sealedCount = 0

  /// Begins without files.
  public init() {}

  /// Writes a file aside.
  ///
  /// - Parameters:
  ///   - bytes: The contents.
  ///   - path: The final place.
  /// - Throws: `FileError.cannotWrite`.
  public mutating func add(_ bytes: [UInt8], for path: String) throws(FileError) {
    let file = try AsideFile(for: path)
    do throws(FileError) {
      try bytes.withUnsafeBufferPointer { source throws(FileError) in
        try file.append(UnsafeRawBufferPointer(source))
      }
      file.startSync()
      if files.count - sealedCount >= Self.openLimit { try sealAll() }
    } catch {
      file.discard()
      throw error
    }
    files.append(file)
  }

  /// Waits until the disk has all files.
  private mutating func sealAll() throws(FileError) {
    while sealedCount < files.count {
      try files[sealedCount].seal()
      sealedCount += 1
    }
  }

  /// Puts all files in their places.
  ///
  /// - Throws: `FileError.cannotWrite`; what was there before is there again, and ``discard()`` is
  ///   still to be called.
  public mutating func commit() throws(FileError) {
    guard let first = files.first else { return }
    try sealAll()
    let lock = FolderLock(first.path.parentFolder)
    defer { lock.release() }
    let list = try files.count > 1 ? PlacingList(files) : nil
    defer { list?.remove() }
    var placed: [(file: AsideFile, before: Before)] = []
    do throws(FileError) {
      for file in files {
        placed.append((file, try Self.keep(file.path)))
        try file.place()
      }
      guard FileCalls.syncFolder(of: first.path) == 0 else {
        throw .cannotWrite(first.path, reason: AtomicFile.reason(errno))
      }
    } catch {
      // The last of them may not have taken its place, or may have.
      for (file, before) in placed.reversed() { Self.restore(file.path, before, file.aside) }
      throw error
    }
    for case let (_, .kept(name)) in placed { unlink(name) }
    (files, sealedCount) = ([], 0)
  }

  /// Removes what has not taken its place.
  public mutating func discard() {
    for file in files { file.discard() }
    (files, sealedCount) = ([], 0)
  }

  /// Gives what is at a path a second name, under which it stays when another takes its place.
  ///
  /// - Returns: What is there.
  /// - Throws: `FileError.cannotWrite`.
  private static func keep(_ path: String) throws(FileError) -> Before {
    let name = AsideFile.name(besides: path, kind: "part")
    if FileCalls.double(path, as: name) == 0 { return .kept(name) }
    switch errno {
    case ENOENT: return .nothing
    case EPERM, ENOTSUP, EMLINK, ENOSYS: return .unkept
    default: throw .cannotWrite(path, reason: AtomicFile.reason(errno))
    }
  }

  /// Takes a file from its place again, where it is there, and puts back what was there before.
  private static func restore(_ path: String, _ before: Before, _ aside: String) {
    switch before {
    case .kept(let name):
      rename(name, path)
      // Of two names of one file the system leaves both.
      unlink(name)
    case .nothing: if access(aside, F_OK) != 0 { unlink(path) }
    case .unkept: break
    }
  }

  /// What is in a place before a file takes it.
  private enum Before {
    case nothing
    /// A file that has a second name.
    case kept(String)
    /// A file in a file system that knows no second names.
    case unkept
  }
}

/// Which files are about to take their places, for whoever has to go on after the process was
/// killed.
struct PlacingList {
  private let path: String

  /// Writes the list, and waits until the disk has it.
  init(_ files: [AsideFile]) throws(FileError) {
    let path = AsideFile.name(besides: files[0].path, kind: "set")
    let text = JSON.array(
      files.map { .array([.string($0.aside.lastName), .string($0.path.lastName)]) })
    let descriptor = FileCalls.create(path)
    guard descriptor >= 0 else {
      throw .cannotWrite(files[0].path, reason: AtomicFile.reason(errno))
    }
    var failure = Array(text.description.utf8).withUnsafeBytes {
      FileCalls.writeAll($0, to: descriptor)
    }
    if failure == 0, FileCalls.sync(descriptor) != 0 { failure = errno }
    if FileCalls.close(descriptor) != 0, failure == 0 { failure = errno }
    guard failure == 0 else {
      unlink(path)
      throw .cannotWrite(files[0].path, reason: AtomicFile.reason(failure))
    }
    self.path = path
  }

  func remove() { unlink(path) }

  /// Puts the files of a list that is left in their places.
  static func finish(_ path: String) {
    guard let bytes = try? Files.read(path, limits: Limits([.bytes: JSONReader.sizeLimit])) else {
      return
    }
    // A list that is cut off was not yet acted on.
    let list = try? JSONReader.parse(String(decoding: bytes, as: UTF8.self))
    let folder = path.parentFolder
    for pair in list?.elements ?? [] {
      let names = pair.elements.compactMap(\.string)
      guard names.count == 2, names.allSatisfy(\.isPlainName),
        ProcessMark(fileName: names[0]) == ProcessMark(fileName: path.lastName)
      else { continue }
      rename("\(folder)/\(names[0])", "\(folder)/\(names[1])")
    }
    unlink(path)
  }
}

/// What keeps two processes from putting files into one folder at once.
struct FolderLock {
  private let descriptor: CInt

  /// Waits for the folder; where the file system knows no locks, nobody waits.
  init(_ folder: String) {
    descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if descriptor >= 0 { FileLock.take(descriptor, waits: true) }
  }

  func release() { if descriptor >= 0 { close(descriptor) } }
}

extension String {
  /// The part of a path after its last slash.
  var lastName: String {
    utf8.lastIndex(of: UInt8(ascii: "/")).map { String(self[utf8.index(after: $0)...]) } ?? self
  }

  /// Whether this is the name of a file and no path.
  fileprivate var isPlainName: Bool {
    !isEmpty && self != "." && self != ".." && !utf8.contains(UInt8(ascii: "/"))
  }
}
