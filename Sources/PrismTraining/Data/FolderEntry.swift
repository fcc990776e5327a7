internal import PrismFiles

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// What a name in a folder stands for, links followed.
struct FolderEntry {
  enum Kind { case file, folder, other }

  /// The path, or `nil` where it is not UTF-8.
  let path: String?
  /// The path fit for one line; bytes that are not UTF-8 as `\xE9`.
  let shown: String
  let kind: Kind
  let identity: Folder.Identity
  /// Whether the name begins with a dot.
  let isHidden: Bool

  /// The last part of the path.
  var name: String { path?.lastComponent ?? shown }

  /// The entries of a folder in the order of their names, hidden ones too.
  ///
  /// - Throws: `FileError.unreadable`.
  static func list(_ folder: String) throws(FileError) -> [FolderEntry] {
    guard let stream = opendir(folder) else {
      throw .unreadable(folder, reason: "the folder cannot be listed")
    }
    defer { closedir(stream) }
    var entries: [FolderEntry] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        Array(bytes.prefix { $0 != 0 })
      }
      if name == [0x2E] || name == [0x2E, 0x2E] { continue }
      entries.append(FolderEntry(name, in: folder))
    }
    return entries.sorted { ($0.path ?? $0.shown) < ($1.path ?? $1.shown) }
  }

  private init(_ name: [UInt8], in folder: String) {
    let bytes = Array("\(folder)/".utf8) + name
    path = String(validating: bytes, as: UTF8.self)
    shown = path.map(Text.printable) ?? Text.printable("\(folder)/") + Self.escaped(name)
    isHidden = name.first == 0x2E
    var status = stat()
    let isThere = (bytes + [0]).withUnsafeBytes { source in
      source.baseAddress.map { stat($0.assumingMemoryBound(to: CChar.self), &status) == 0 } ?? false
    }
    identity = Folder.Identity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
    switch isThere ? status.st_mode & S_IFMT : 0 {
    case S_IFDIR: kind = .folder
    case S_IFREG: kind = .file
    default: kind = .other
    }
  }

  /// Bytes as text, those beyond ASCII as `\xE9`.
  private static func escaped(_ bytes: [UInt8]) -> String {
    bytes.map { byte in
      (0x20..<0x7F).contains(byte)
        ? String(Unicode.Scalar(byte)) : "\\x" + String(byte, radix: 16, uppercase: true)
    }.joined()
  }
}

extension String {
  /// The part of a path after its last slash.
  var lastComponent: String { split(separator: "/").last.map(String.init) ?? self }

  /// The part of a path before its last slash.
  var folder: String {
    guard let slash = lastIndex(of: "/") else { return "." }
    return slash == startIndex ? "/" : String(self[..<slash])
  }

  /// The path without slashes at its end.
  var withoutTrailingSlash: String {
    var path = self[...]
    while path.count > 1, path.last == "/" { path.removeLast() }
    return String(path)
  }

  /// The path of a name in this folder; the folder of here is not written.
  func appending(component name: String) -> String {
    let name = name.hasPrefix("./") ? String(name.dropFirst(2)) : name
    return self == "." ? name : hasSuffix("/") ? self + name : "\(self)/\(name)"
  }
}
