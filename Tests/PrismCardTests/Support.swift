import PrismCard

/// What a closure throws, or `nil`.
func cardError(_ body: () throws -> Void) -> CardError? {
  do {
    try body()
    return nil
  } catch {
    return error as? CardError
  }
}
