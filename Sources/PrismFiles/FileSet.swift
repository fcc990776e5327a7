/// Files that appear together: all are written aside, and only when the disk has all of them do they take their places.
///
/// End with ``commit()`` or ``discard()``. A failure before the first file has taken its place leaves everything as it
/// was.
public struct FileSet: ~Copyable {
  private var files: [AsideFile] = []

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
      try file.seal()
    } catch {
      file.discard()
      throw error
    }
    files.append(file)
  }

  /// Puts all files in their places.
  ///
  /// - Throws: `FileError.cannotWrite`; ``discard()`` is still to be called then.
  public mutating func commit() throws(FileError) {
    while let file = files.first {
      try file.place()
      files.removeFirst()
    }
  }

  /// Removes what has not taken its place.
  public mutating func discard() {
    for file in files { file.remove() }
    files = []
  }
}
