internal import Prism

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Changed versions of an input as data, of which the model's logits are wanted: for methods whose
/// samples are spread over several workers.
struct WorkerEvaluation: Sendable {
  private let perturbations: PerturbationSet
  private let masker: Masker
  /// Where the window of a sound begins, in seconds; `nil` for the strongest.
  private let start: Double?

  /// Reads what a header asks for.
  ///
  /// - Parameter header: Has `perturbations`, `mask`, and perhaps `seed` and `window`.
  /// - Throws: ``RequestError``, `ExplanationError` for labels of segments that have gaps.
  init(_ header: JSON) throws {
    guard let json = header["perturbations"] else {
      throw RequestError.unreadable("the member perturbations is missing")
    }
    do {
      perturbations = try JSONDecoder().decode(
        PerturbationSet.self, from: Data(json.description.utf8))
    } catch let error as DecodingError {
      throw RequestError.unreadable("the perturbations are not understood: \(error.reason)")
    }
    masker = try Masker(argument: try header.text("mask"), seed: try Self.seed(header))
    start = header["window"]?.double
  }

  private static func seed(_ header: JSON) throws(RequestError) -> UInt64 {
    switch header["seed"] {
    case nil: return 0
    case .integer(let seed) where seed >= 0: return UInt64(seed)
    default: throw .unreadable("the member seed is no whole number from 0 on")
    }
  }

  /// The changed versions of an image, which render themselves.
  ///
  /// - Throws: `ExplanationError` where the perturbations do not fit the image.
  func images(of image: ExplainedImage) throws -> PerturbedImages {
    try PerturbedImages(perturbations, of: image, masker: masker)
  }

  /// The logits of the changed versions of an input.
  ///
  /// - Parameters:
  ///   - input: The picture or sound.
  ///   - model: The model.
  ///   - work: Is told of every batch.
  /// - Returns: `[N, K]`, a row a version.
  /// - Throws: What the input cannot be read for; `ExplanationError`; `LimitError` for more numbers
  ///   than a tensor may have; what the model throws.
  func logits(of input: ReportInput, by model: Model, work: Work) throws -> Tensor {
    let limits = Limits.current
    let (count, overflow) = perturbations.count.multipliedReportingOverflow(by: model.labels.count)
    try limits.check(overflow ? .max : count, .elements, of: "the perturbations")
    return try limits.bounding {
      try model.logits(of: try images(of: try image(of: input, model)), work: work)
    }
  }

  private func image(of input: ReportInput, _ model: Model) throws -> ExplainedImage {
    guard model.card.input.audio != nil else {
      let picture = try input.picture(PictureReading())
      return try model.admitting { model.explained(picture) }
    }
    let hearing = try SoundReading().hearing(of: input, by: model)
    let nearest = start.flatMap { start in
      hearing.windows.min { abs($0.start - start) < abs($1.start - start) }
    }
    let window = nearest ?? hearing.strongest(for: hearing.prediction.top)
    return try model.admitting { try model.explained(window) }
  }
}
