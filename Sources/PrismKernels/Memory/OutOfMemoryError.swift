/// There is no memory for what was to be computed; nothing was lost.
public struct OutOfMemoryError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The bytes that were asked for.
  public let bytes: Int
  /// The bytes that may be in use at a time, where a limit refused and not the system.
  public let limit: Int?

  /// Makes an error.
  public init(bytes: Int, limit: Int? = nil) {
    self.bytes = bytes
    self.limit = limit
  }

  /// One line that says what is wrong and what to do.
  public var description: String {
    let need = "there is not enough memory: \(bytes) bytes more are needed"
    let advice = "use fewer --threads, a smaller --batch or a smaller model"
    guard let limit else { return "\(need); \(advice)" }
    return "\(need), beyond the limit of \(limit); --limit memory=N raises it, or \(advice)"
  }
}
