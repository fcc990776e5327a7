internal import ArgumentParser
internal import Prism

/// What inputs and requests may take.
struct LimitOptions: ParsableArguments {
  @Option(
    name: .customLong("limit"),
    help: ArgumentHelp(
      """
      Sets what an input may take, such as pixels=200000000; may be repeated. The limits are \
      \(Limits.Name.allCases.map(\.rawValue).joined(separator: ", ")); SECURITY.md explains them.
      """, valueName: "name=value"))
  var texts: [String] = []

  func validate() throws { _ = try value() }

  /// The limits with what was set.
  func value() throws(ValidationError) -> Limits {
    var limits = Limits()
    for text in texts {
      do { try limits.set(text) } catch { throw ValidationError("\(error)") }
    }
    return limits
  }
}
