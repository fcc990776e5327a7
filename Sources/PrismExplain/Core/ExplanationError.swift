public import PrismTensor

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// Why an explanation could not be made.
public enum ExplanationError: LocalizedError, Equatable, CustomStringConvertible {
  /// The layer has no rows and columns, so that there is nothing to draw.
  case layerWithoutExtent(layer: String, shape: Shape)
  /// The model's values are not finite for this input.
  case notFinite(layer: String)
  /// The image is not one that the model takes.
  case imageSize(given: Shape, expected: Shape)
  /// The model has no such logit.
  case unknownTarget(Int, count: Int)
  /// A parameter of the method has a value that makes no sense.
  case parameter(String, String)
  /// The map of labels does not have the image's size.
  case maskSize(given: Shape, expected: Shape)
  /// The map of labels does not hold whole numbers from zero up without gaps.
  case labels(String)
  /// The image has too few segments for the method.
  case tooFewSegments(Int)
  /// The image has too many segments for the method.
  case tooManySegments(Int, limit: Int)
  /// There are too few samples to tell the segments apart.
  case tooFewSamples(Int, segments: Int)
  /// The picture's colours are needed and were not given.
  case noPixels(for: String)
  /// A part does not fit what it is used for.
  case unsuitable(String)

  /// The same line as ``description``, for who asks a `LocalizedError`.
  public var errorDescription: String? { description }

  /// One line that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .layerWithoutExtent(let layer, let shape):
      "the layer \(layer) has the shape \(shape) and no rows and columns to draw; "
        + "choose a layer with the shape [N, H, W, C]"
    case .notFinite(let layer):
      "the model computes values that are not finite at \(layer); "
        + "its weights or the input are broken"
    case .imageSize(let given, let expected):
      "the image has the shape \(given), the model takes \(expected)"
    case .unknownTarget(let target, let count):
      "there is no output \(target): the model has \(count), counted from 0"
    case .parameter(let name, let reason): "\(name) \(reason)"
    case .maskSize(let given, let expected):
      "the map has the size \(given), the model's input \(expected); resize the map to it"
    case .labels(let reason):
      "the label map \(reason); it needs whole numbers from 0 up, each at least once"
    case .tooFewSegments(let count):
      "the image falls into \(count) segment\(count == 1 ? "" : "s"), and at least 2 are needed; "
        + "choose a finer segmentation"
    case .tooManySegments(let count, let limit):
      "\(count) segments are more than the \(limit) whose effects can be fitted; "
        + "choose a coarser segmentation"
    case .tooFewSamples(let samples, let segments):
      "\(samples) samples cannot tell \(segments) segments apart; "
        + "draw more samples or choose fewer segments"
    case .noPixels(let method):
      "\(method) needs the picture's colours, and only the network's input was given"
    case .unsuitable(let reason): reason
    }
  }
}
