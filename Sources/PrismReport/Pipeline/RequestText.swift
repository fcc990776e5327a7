internal import Prism
internal import Synchronization

/// What of a request results depend on, as text that is the same for the same request; made once,
/// for all inputs.
final class RequestText: Sendable {
  private let request: ExplanationRequest
  private let text = Mutex<String?>(nil)

  init(_ request: ExplanationRequest) {
    var request = request
    let evaluations = request.limits.evaluations
    // No result depends on these, but that there is one.
    request.batch = nil
    request.limits = Limits()
    request.limits.evaluations = evaluations
    self.request = request
  }

  /// Begins to make the text, on another thread.
  func begin() { WorkThreads.begin { _ = try? self() } }

  /// The text: JSON with its keys in order.
  func callAsFunction() throws -> String {
    try text.withLock { known in
      if let known { return known }
      let made = try request.stableText()
      known = made
      return made
    }
  }
}
