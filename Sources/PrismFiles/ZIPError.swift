/// Why an archive is not read or written, in one line.
package enum ZIPError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The bytes are no whole archive.
  case malformed(String)
  /// The archive has something that is refused, such as a name that is a path.
  case refused(String)
  /// The files are more than an archive, or the one who reads it, can take.
  case tooLarge(String)

  /// One line that says what is wrong and what to do.
  package var description: String {
    switch self {
    case .malformed(let reason): "the archive is damaged: \(reason); fetch it again"
    case .refused(let reason): "the archive is refused: \(reason)"
    case .tooLarge(let reason): "the archive is too large: \(reason)"
    }
  }
}
