internal import HTTPTypes
internal import Synchronization

/// The bytes that all bodies together may take in memory while they come in.
final class UploadRoom: Sendable {
  private let size: Int
  private let free: Mutex<Int>

  init(bytes: Int) {
    size = bytes
    free = Mutex(bytes)
  }

  /// What is taken.
  var used: Int { size - free.withLock { $0 } }

  /// What one body takes of the room.
  struct Share {
    private let room: UploadRoom
    private var taken = 0

    init(of room: UploadRoom) { self.room = room }

    /// Takes bytes.
    ///
    /// - Throws: ``Problem`` where none are left.
    mutating func take(_ bytes: Int) throws {
      let isRoom = room.free.withLock { free in
        guard free >= bytes else { return false }
        free -= bytes
        return true
      }
      guard isRoom else {
        throw Problem(
          .serviceUnavailable, "too many uploads at a time; try again soon",
          headers: [.retryAfter: "1"])
      }
      taken += bytes
    }

    /// Gives back all that was taken.
    mutating func giveBack() {
      room.free.withLock { $0 += taken }
      taken = 0
    }
  }
}
