internal import Prism
internal import PrismReport
internal import Synchronization

/// Data sets as points of a layer's space that were computed before, as long as there is room.
final class LibraryShelf: Sendable {
  private struct State {
    /// The libraries, that which was used last at the end.
    var places: [(key: String, library: ExampleLibrary)] = []
  }

  /// The bytes that all points together may take.
  private let room: Int
  private let state = Mutex(State())

  init(room: Int) { self.room = room }

  /// A library that is known, or a new one.
  ///
  /// - Parameters:
  ///   - key: Tells libraries apart.
  ///   - make: Makes one.
  /// - Returns: The library.
  /// - Throws: What making it throws.
  func library(
    _ key: String, _ make: () throws -> ExampleLibrary
  ) rethrows -> ExampleLibrary {
    let known: ExampleLibrary? = state.withLock { state in
      guard let index = state.places.firstIndex(where: { $0.key == key }) else { return nil }
      let place = state.places.remove(at: index)
      state.places.append(place)
      return place.library
    }
    if let known { return known }
    let library = try make()
    state.withLock { state in
      state.places.removeAll { $0.key == key }
      state.places.append((key, library))
      while state.places.count > 1,
        state.places.reduce(0, { $0 + $1.library.byteCount }) > room
      {
        state.places.removeFirst()
      }
    }
    return library
  }
}
