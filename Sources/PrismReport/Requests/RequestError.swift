/// Why what is asked for makes no sense.
public enum RequestError: Error, Equatable, Sendable, CustomStringConvertible {
  /// An option means nothing to the chosen methods.
  case unused(String, by: [String], takers: [String])
  /// Too few samples.
  case samples(Int)
  /// A division of the picture that is not known.
  case segments(String)
  /// A file of labels or of a region that does not fit.
  case labelFile(String, reason: String)
  /// A stand-in for what is not there that is not known.
  case mask(String)

  /// One line that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .unused(let option, let methods, let takers):
      "\(option) means nothing to \(methods.joined(separator: ", ")); it is for "
        + takers.joined(separator: ", ")
    case .samples(let samples): "--samples is \(samples); a method needs at least 1"
    case .segments(let text):
      "--segments \(text) is not known; choose quickshift, slic[:N], felzenszwalb[:SCALE], grid:RxC, "
        + "or a file that ends with .npy or .png"
    case .labelFile(let path, let reason): "\(path): \(reason)"
    case .mask(let text):
      "--mask \(text) is not known; choose blur:K, mean, segment-mean, noise, inpaint, black or a number"
    }
  }
}
