internal import Synchronization

/// Things that were made for a request and may serve the next one, as long as there is room: that
/// which was used last stays, those that were not used for the longest time go first.
final class RecentShelf<Value: Sendable>: Sendable {
  private struct Place {
    let key: String
    let value: Value
    var lastUse: ContinuousClock.Instant
  }

  private struct State {
    /// That which was used last at the end.
    var places: [Place] = []
  }

  /// The bytes that all values together may take.
  private let room: Int
  private let most: Int
  private let size: @Sendable (Value) -> Int
  private let state = Mutex(State())

  /// - Parameters:
  ///   - room: The bytes that all values together may take; the last one always has room.
  ///   - most: The most values.
  ///   - size: The bytes of a value.
  init(room: Int, most: Int = .max, size: @escaping @Sendable (Value) -> Int) {
    self.room = room
    self.most = most
    self.size = size
  }

  /// The bytes of all values.
  var byteCount: Int { state.withLock { byteCount($0) } }

  /// A value that is known, or a new one.
  ///
  /// - Parameters:
  ///   - key: Tells values apart.
  ///   - isValid: Whether a known value may still be used.
  ///   - make: Makes one.
  /// - Returns: The value.
  /// - Throws: What making it throws.
  func value(
    _ key: String, where isValid: (Value) -> Bool = { _ in true }, _ make: () throws -> Value
  ) rethrows -> Value {
    let known: Value? = state.withLock { state in
      guard let index = state.places.firstIndex(where: { $0.key == key }) else { return nil }
      var place = state.places.remove(at: index)
      guard isValid(place.value) else { return nil }
      place.lastUse = .now
      state.places.append(place)
      return place.value
    }
    if let known { return known }
    let value = try make()
    state.withLock { state in
      state.places.removeAll { $0.key == key }
      state.places.append(Place(key: key, value: value, lastUse: .now))
      while state.places.count > 1, state.places.count > most || byteCount(state) > room {
        state.places.removeFirst()
      }
    }
    return value
  }

  /// Puts away what was not used for some time.
  ///
  /// - Returns: Whether something is left.
  func putAway(unusedFor time: Duration) -> Bool {
    state.withLock { state in
      state.places.removeAll { $0.lastUse.duration(to: .now) >= time }
      return !state.places.isEmpty
    }
  }

  private func byteCount(_ state: State) -> Int {
    state.places.reduce(0) { $0 + size($1.value) }
  }
}
