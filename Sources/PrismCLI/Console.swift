internal import Prism
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Where a command's text goes, and from where it is told to stop.
///
/// Whatever a text contains of files, such as their names and labels, goes through here, where
/// control characters and what turns the direction of text lose their power.
struct Console: Sendable {
  /// Receives results.
  var output: @Sendable (String) throws -> Void = { try writeAll($0, to: STDOUT_FILENO) }
  /// Receives errors and progress.
  var diagnostics: @Sendable (String) -> Void = { try? writeAll($0, to: STDERR_FILENO) }
  /// Whether somebody sees errors and progress as they come.
  var isTerminal = false
  /// Tells when the work should end.
  var interruptions = Interruptions.none

  private let failure = Failure()

  /// The process's own, on a terminal or not.
  static var standard: Console {
    Console(isTerminal: isatty(STDERR_FILENO) == 1, interruptions: .signals)
  }

  /// Makes a console; what is left out is the process's own.
  init(
    output: (@Sendable (String) throws -> Void)? = nil,
    diagnostics: (@Sendable (String) -> Void)? = nil, isTerminal: Bool = false,
    interruptions: Interruptions = .none
  ) {
    if let output { self.output = output }
    if let diagnostics { self.diagnostics = diagnostics }
    self.isTerminal = isTerminal
    self.interruptions = interruptions
  }

  /// Why results could not be written, or `nil` where all were; after a failure nothing more is
  /// written.
  var outputError: OutputError? { failure.error.withLock { $0 } }

  /// Writes a line of results.
  func print(_ line: String) { write(Text.harmless(line)) }

  /// Writes a document.
  func print(_ document: JSON) { write(Self.harmlessDocument(document.formatted)) }

  /// Writes several lines that the command itself has divided.
  func print(text: String) { write(Text.harmless(text, keepsLines: true)) }

  /// Shows how far something is, on one line that the next such call or report replaces.
  func progress(_ text: String) {
    if isTerminal { diagnostics("\r\u{1B}[K" + Text.harmless(text)) }
  }

  /// Takes the line of progress away.
  func endProgress() { progress("") }

  /// What went wrong with a file, in a line that names it: errors of files begin with the path.
  ///
  /// - Parameters:
  ///   - message: The error's line.
  ///   - path: The file's path.
  /// - Returns: The line, which begins with the path.
  static func line(_ message: String, about path: String) -> String {
    let isNamed = message.hasPrefix(path) || message.hasPrefix(Text.printable(path))
    return isNamed ? message : "\(path): \(message)"
  }

  /// Writes a line about what went wrong or how it goes on.
  func report(_ line: String) { diagnostics(Text.harmless(line) + "\n") }

  /// Writes several lines about what went wrong, which the command itself has divided.
  func report(text: String) { diagnostics(Text.harmless(text, keepsLines: true) + "\n") }

  private func write(_ text: String) {
    endProgress()
    failure.error.withLock { first in
      guard first == nil else { return }
      do {
        try output(text + "\n")
      } catch {
        first = error as? OutputError ?? OutputError(number: EIO)
      }
    }
  }

  /// A document in which the same characters are escaped as JSON has it; outside of strings there
  /// are none.
  private static func harmlessDocument(_ text: String) -> String {
    guard Text.harmless(text, keepsLines: true) != text else { return text }
    return text.unicodeScalars.map { scalar in
      let single = String(scalar)
      if Text.harmless(single, keepsLines: true) == single { return single }
      return single.utf16.map { unit in
        let digits = String(unit, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }.joined()
    }.joined()
  }

  /// What all copies of a console share.
  private final class Failure: Sendable {
    let error = Mutex<OutputError?>(nil)
  }
}

/// Why results cannot be written.
struct OutputError: Error, CustomStringConvertible {
  /// The system's error number.
  let number: Int32

  /// Whether nobody reads any more, as after `| head`, which needs no word.
  var isUnread: Bool { number == EPIPE }

  var description: String {
    let reason = unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
    return "the results cannot be written to the standard output: \(reason)"
  }
}

private func writeAll(_ text: String, to descriptor: Int32) throws(OutputError) {
  var rest = Array(text.utf8)[...]
  while !rest.isEmpty {
    let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    if count > 0 {
      rest = rest.dropFirst(count)
    } else if errno != EINTR {
      throw OutputError(number: count == 0 ? EIO : errno)
    }
  }
}
