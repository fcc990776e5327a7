internal import Prism
internal import Synchronization

/// What happens in an analysis, for those who watch it.
///
/// The address of an event is how many methods were finished and how many events of progress there
/// had been: whoever has lost the connection goes on after the one that came last
/// (`Last-Event-ID`). Of progress only the latest is kept.
final class EventLog: Sendable {
  /// An event as it is sent.
  struct Event: Sendable, Equatable {
    let id: String
    let name: String
    let data: JSON

    /// The text of the event as browsers read it.
    var text: String { "id: \(id)\nevent: \(name)\ndata: \(data)\n\n" }
  }

  /// How far a watcher has read.
  struct Place: Sendable, Equatable {
    var methods = 0
    var progress = 0
    var hasEnd = false

    /// The beginning.
    init() {}

    /// Where an event stood; the beginning for what is no address of an event.
    init(after id: String?) {
      let parts = (id ?? "").split(separator: ".", omittingEmptySubsequences: false)
        .map { Int($0) ?? -1 }
      guard parts.count == 2, parts.allSatisfy({ $0 >= 0 }) else { return }
      (methods, progress) = (parts[0], parts[1])
    }
  }

  private struct State {
    var methods: [JSON] = []
    var progress: JSON?
    var count = 0
    var end: JSON?
    var next = 0
    var watchers: [Int: AsyncStream<Void>.Continuation] = [:]
  }

  private let state = Mutex(State())

  /// Tells how far the work is.
  func report(progress: JSON) {
    change { state in
      state.progress = progress
      state.count += 1
    }
  }

  /// Tells which methods are finished by now, in the order in which they finish.
  func report(methods: [JSON]) {
    change { state in
      state.methods += methods.dropFirst(state.methods.count)
    }
  }

  /// Tells how the analysis has ended; nothing follows.
  func end(_ data: JSON) { change { $0.end = data } }

  private func change(_ change: (inout State) -> Void) {
    let watchers = state.withLock { state in
      change(&state)
      return state.watchers.values.map { $0 }
    }
    for watcher in watchers { watcher.yield() }
  }

  /// What a watcher has not read yet.
  ///
  /// - Parameter place: How far it has read, which moves on.
  /// - Returns: The events; nothing follows the one that is called `end`.
  func news(after place: inout Place) -> [Event] {
    state.withLock { state in
      var events: [Event] = []
      for data in state.methods.dropFirst(place.methods) {
        place.methods += 1
        events.append(
          Event(id: "\(place.methods).\(place.progress)", name: "method", data: data))
      }
      if let progress = state.progress, place.progress < state.count, state.end == nil {
        place.progress = state.count
        events.append(
          Event(id: "\(place.methods).\(place.progress)", name: "progress", data: progress))
      }
      if let end = state.end, !place.hasEnd {
        place.hasEnd = true
        events.append(Event(id: "\(place.methods).\(state.count)", name: "end", data: end))
      }
      return events
    }
  }

  /// A stream that says when there are news, and the number that ``unwatch(_:)`` takes.
  func watch() -> (news: AsyncStream<Void>, wake: AsyncStream<Void>.Continuation, number: Int) {
    let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let number = state.withLock { state in
      state.next += 1
      state.watchers[state.next] = continuation
      return state.next
    }
    continuation.yield()
    return (stream, continuation, number)
  }

  /// Ends a stream.
  func unwatch(_ number: Int) {
    state.withLock { $0.watchers.removeValue(forKey: number) }?.finish()
  }
}
