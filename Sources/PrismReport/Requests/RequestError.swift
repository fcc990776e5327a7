/// Why what is asked for makes no sense.
public enum RequestError: Error, Equatable, Sendable, CustomStringConvertible {
  /// An option means nothing to the chosen methods.
  case unused(String, by: [String], takers: [String])
  /// There is no such method.
  case unknownMethod(String, nearest: String?)
  /// Windows that are not understood.
  case windows(String)
  /// A choice that needs another kind of model.
  case needsSound(String)
  /// One mask for several inputs.
  case sharedTruth(String, inputs: [String])
  /// No input has a mask.
  case noTruth(String)
  /// Too few samples.
  case samples(Int)
  /// A division of the picture that is not known.
  case segments(String)
  /// A file of labels or of a region that does not fit.
  case labelFile(String, reason: String)
  /// A stand-in for what is not there that is not known.
  case mask(String)
  /// A choice that needs a model of pictures.
  case needsPictures(String)
  /// A way to read inputs that is not understood, and what to give.
  case reading(String, String)
  /// A request as data that is not understood, in words.
  case unreadable(String)

  /// One line that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .unused(let option, let methods, let takers):
      "\(option) means nothing to \(methods.joined(separator: ", ")); it is for "
        + takers.joined(separator: ", ")
    case .unknownMethod(let name, let nearest):
      "there is no method called \(name)"
        + (nearest.map { "; did you mean \($0)?" } ?? "; --method list shows what there is")
    case .windows(let text):
      "the windows \(text) are not understood; give times in seconds such as 2.0,4.5, or all, or top3"
    case .needsSound(let option): "\(option) is for models that listen, and this one takes pictures"
    case .sharedTruth(let path, let inputs):
      "the mask \(path) would judge \(inputs.joined(separator: " and ")); give a folder with a mask "
        + "for each, or a CSV with the columns input and mask"
    case .noTruth(let path):
      "\(path) has no mask for any of the inputs; a mask is called like its input, or a CSV names both"
    case .samples(let samples):
      "--samples is \(samples); it is from 1 to \(ExplanationRequest.mostSamples)"
    case .segments(let text):
      "--segments \(text) is not known; choose quickshift, slic[:N], felzenszwalb[:SCALE], grid:RxC, "
        + "or a file that ends with .npy or .png"
    case .labelFile(let path, let reason): "\(path): \(reason)"
    case .needsPictures(let option):
      "\(option) is for models that are given pictures, and this one listens"
    case .reading(let text, let hint): "\(text) is not understood: \(hint)"
    case .unreadable(let text): text
    case .mask(let text):
      "--mask \(text) is not known; choose blur:K, mean, segment-mean, noise, inpaint, black or a number"
    }
  }
}
