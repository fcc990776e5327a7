public import Prism
internal import Synchronization

/// What of a request results depend on, as text that is the same for the same request; made once,
/// for all inputs.
final class RequestText: Sendable {
  private let request: ExplanationRequest
  private let text = Mutex<String?>(nil)

  init(_ request: ExplanationRequest) {
    self.request = request.withoutMeans
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

extension ExplanationRequest {
  /// The request without what no result depends on, but that there is one.
  fileprivate var withoutMeans: ExplanationRequest {
    var request = self
    request.batch = nil
    request.limits = Limits()
    request.limits.evaluations = limits.evaluations
    return request
  }

  /// What the maps and documents of explanations depend on besides the input, the model and
  /// Prism's version: the same for requests that ask for the same, however they are written.
  ///
  /// - Returns: An object with its members in order, defaults filled in, without the model's name,
  ///   the formats of files, the batch and the limits.
  /// - Throws: `EncodingError`.
  public func canonical() throws -> JSON {
    var request = withoutMeans
    request.methods = try methods.map { method in
      var method = method
      method.name = try method.method().rawValue
      return method
    }
    let others: Set<String> = ["model", "formats", "purpose", "tests"]
    let json = try JSON(utf8: Array(try request.stableText().utf8))
    guard case .object(let members) = json else { return json }
    return .object(
      members.filter { !others.contains($0.name) && $0.value != .object([]) })
  }
}
