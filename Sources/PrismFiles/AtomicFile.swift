#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Files that appear whole or not at all.
public enum AtomicFile {
  /// Writes a file aside in the same folder and then renames it to its final name.
  ///
  /// A reader sees the old contents or the new ones, never a part of them, and after a failure (a
  /// full disk, say) neither the file nor its temporary twin is left. A symbolic link is followed,
  /// and a device such as `/dev/stdout` is written to directly. The data is not forced to the disk
  /// (no `fsync`), so the promise holds for processes, not for power cuts; ``AsideFile`` can do
  /// that.
  ///
  /// - Parameters:
  ///   - bytes: The contents.
  ///   - path: The final name.
  /// - Throws: `FileError.cannotWrite`.
  public static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
    var status = stat()
    var target = path
    if stat(path, &status) == 0 {
      switch status.st_mode & S_IFMT {
      case S_IFDIR: throw .cannotWrite(path, reason: "it is a folder")
      case S_IFREG: target = resolved(path) ?? path
      default: return try writeDirectly(bytes, to: path)
      }
    }

    let file = try AsideFile(for: target, called: path)
    do throws(FileError) {
      try bytes.withUnsafeBufferPointer { source throws(FileError) in
        try file.append(UnsafeRawBufferPointer(source))
      }
      try file.commit()
    } catch {
      file.discard()
      throw error
    }
  }

  /// Writes a text file in UTF-8, as `write(_:to:)` does.
  ///
  /// - Throws: `FileError.cannotWrite`.
  public static func write(_ text: String, to path: String) throws(FileError) {
    try write(Array(text.utf8), to: path)
  }

  private static func writeDirectly(_ bytes: [UInt8], to path: String) throws(FileError) {
    let file = FileCalls.openExisting(path)
    guard file >= 0 else { throw .cannotWrite(path, reason: reason(errno)) }
    var failure = bytes.withUnsafeBytes { FileCalls.writeAll($0, to: file) }
    if FileCalls.close(file) != 0, failure == 0 { failure = errno }
    guard failure == 0 else { throw .cannotWrite(path, reason: reason(failure)) }
  }

  private static func resolved(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  static func reason(_ number: CInt) -> String {
    guard let text = strerror(number) else { return "error \(number)" }
    return String(cString: text)
  }
}
