#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

internal import Prism
internal import Synchronization

/// The data folder as the property of one server: what another one that ran beside it believed to be
/// left behind is work in progress.
final class FolderOwnership: Sendable {
  /// `nil` where the file system knows no locks, and after the end.
  private let descriptor: Mutex<CInt?>

  /// Takes a folder; the system gives it back when the process ends, however it ends.
  ///
  /// - Throws: ``FolderInUse`` while another server has it.
  init(of folder: String) throws {
    let file = unsafe open("\(folder)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    descriptor = Mutex(file < 0 ? nil : file)
    guard file >= 0 else { return }
    if FileLock.take(file, waits: false) == .held {
      release()
      throw FolderInUse(folder: folder)
    }
  }

  deinit { release() }

  /// Gives the folder back.
  func release() {
    descriptor.withLock { file in
      if let file { close(file) }
      file = nil
    }
  }
}

/// Another server has the data folder.
struct FolderInUse: Error, CustomStringConvertible {
  let folder: String

  var description: String {
    "the data folder \(Text.printable(folder)) is in use by a server that runs; end that one, or "
      + "name another folder by --data"
  }
}
