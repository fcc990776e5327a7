#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// What processes that were killed have left beside their results.
package enum Leftovers {
  /// Puts in their places the files that were about to take them, and removes what nobody will end.
  ///
  /// Files of processes that live, or that another machine or container may have, stay.
  ///
  /// - Parameter folder: The folder; one that cannot be read has none.
  package static func clear(in folder: String) {
    guard let names = try? Folder.hiddenNames(in: folder) else { return }
    let dead = names.filter { ProcessMark(fileName: $0)?.isDead ?? false }
    guard !dead.isEmpty else { return }
    let lock = FolderLock(folder)
    defer { lock.release() }
    for name in dead where name.hasSuffix(".set") { PlacingList.finish("\(folder)/\(name)") }
    for name in dead where name.hasSuffix(".part") { unlink("\(folder)/\(name)") }
  }
}
