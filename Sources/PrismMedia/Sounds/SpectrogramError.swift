#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// Why a spectrogram cannot be made.
public enum SpectrogramError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A parameter is impossible.
  case parameter(String)
  /// Memory is short.
  case noMemory
  /// The library that transforms is missing.
  case noTransform

  /// One line that says what is wrong.
  public var description: String {
    switch self {
    case .parameter(let text): "\(text) is impossible; the lengths are even and the hop shorter"
    case .noMemory: "there is not enough memory for a spectrogram"
    case .noTransform: "spectrograms need FFTW; install the package libfftw3-double3"
    }
  }
}

extension SpectrogramError: LocalizedError {
  /// The same line, for those who ask Foundation.
  public var errorDescription: String? { description }
}
