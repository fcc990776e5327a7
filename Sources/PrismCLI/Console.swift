#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Where a command's text goes.
struct Console: Sendable {
  /// Receives results.
  var output: @Sendable (String) -> Void = { writeAll($0, to: STDOUT_FILENO) }
  /// Receives errors and progress.
  var diagnostics: @Sendable (String) -> Void = { writeAll($0, to: STDERR_FILENO) }
  /// Whether somebody sees errors and progress as they come.
  var isTerminal = false

  /// The process's own, on a terminal or not.
  static var standard: Console { Console(isTerminal: isatty(STDERR_FILENO) == 1) }

  /// Writes a line of results.
  func print(_ line: String) {
    endProgress()
    output(line + "\n")
  }

  /// Shows how far something is, on one line that the next such call or report replaces.
  func progress(_ text: String) {
    if isTerminal { diagnostics("\r\u{1B}[K" + text) }
  }

  /// Takes the line of progress away.
  func endProgress() { progress("") }

  /// Writes a line about what went wrong or how it goes on.
  func report(_ line: String) { diagnostics(line + "\n") }
}

private func writeAll(_ text: String, to descriptor: Int32) {
  var rest = Array(text.utf8)[...]
  while !rest.isEmpty {
    let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { return }
  }
}
