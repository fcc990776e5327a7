internal import NIOCore
internal import Synchronization

/// Notices that a client goes away while it is waiting, so that nothing is computed for nobody.
final class ConnectionWatch: ChannelInboundHandler, RemovableChannelHandler, Sendable {
  typealias InboundIn = Any

  private struct State {
    var isGone = false
    var next = 0
    var watchers: [Int: @Sendable () -> Void] = [:]
  }

  private let state = Mutex(State())

  func channelInactive(context: ChannelHandlerContext) {
    leave()
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed? = event as? ChannelEvent { leave() }
    context.fireUserInboundEventTriggered(event)
  }

  private func leave() {
    let watchers = state.withLock { state in
      state.isGone = true
      defer { state.watchers = [:] }
      return state.watchers.values.map { $0 }
    }
    for watcher in watchers { watcher() }
  }

  /// Calls a closure when the client goes away, or at once where it is gone.
  ///
  /// - Returns: What ``unwatch(_:)`` takes.
  private func watch(_ watcher: @escaping @Sendable () -> Void) -> Int? {
    let number: Int? = state.withLock { state in
      guard !state.isGone else { return nil }
      state.next += 1
      state.watchers[state.next] = watcher
      return state.next
    }
    if number == nil { watcher() }
    return number
  }

  private func unwatch(_ number: Int) {
    _ = state.withLock { $0.watchers.removeValue(forKey: number) }
  }

  /// Does work as long as the client of a connection is there to hear of it.
  ///
  /// - Throws: `CancellationError` where it has gone.
  static func whileConnected<Value: Sendable>(
    _ channel: any Channel, _ work: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let watch = try? await channel.pipeline.handler(type: ConnectionWatch.self).get()
    let task = Task { try await work() }
    let number = watch?.watch { task.cancel() }
    defer { if let number { watch?.unwatch(number) } }
    return try await withTaskCancellationHandler {
      try await task.value
    } onCancel: {
      task.cancel()
    }
  }
}
