internal import Prism
internal import Synchronization

/// Sends frames one after the other, from any thread.
final class FrameWriter: Sendable {
  private struct State {
    var isClosed = false
    var error: (any Error)?
  }

  private let sink: @Sendable ([UInt8]) throws -> Void
  private let state = Mutex(State())

  /// - Parameter sink: Writes bytes, and waits until they are taken.
  init(_ sink: @escaping @Sendable ([UInt8]) throws -> Void) { self.sink = sink }

  /// Why frames cannot be sent, or `nil` where all were.
  var error: (any Error)? { state.withLock { $0.error } }

  /// Sends a frame; after a failure, and after the end, it is dropped.
  func send(_ frame: Frame) {
    let bytes = frame.bytes
    state.withLock { state in
      guard !state.isClosed, state.error == nil else { return }
      do { try sink(bytes) } catch { state.error = error }
    }
  }

  /// Waits for the frame that is being sent; no other is sent after it.
  func close() { state.withLock { $0.isClosed = true } }
}
