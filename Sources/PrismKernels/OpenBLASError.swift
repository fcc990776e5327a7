/// Why OpenBLAS cannot be used.
package enum OpenBLASError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The library is not installed.
  case missing
  /// The library lacks a function.
  case missingFunction(String)
  /// The system does not give the memory that the library computes in.
  case outOfMemory(byteCount: Int)

  /// One line that says what is wrong and what to do.
  package var description: String {
    switch self {
    case .missing: "the library OpenBLAS is missing; install the package libopenblas0"
    case .missingFunction(let name):
      "the library OpenBLAS has no function \(name); install the package libopenblas0"
    case .outOfMemory(let byteCount):
      "the library OpenBLAS needs \(byteCount >> 20) MB of memory that the system does not give; "
        + "allow the process more"
    }
  }
}
