internal import PrismRuntime

/// Predictions for a picture that changes bit by bit, such as one that somebody paints on.
///
/// Of each picture only what differs from the one before is computed, with the bits of
/// a prediction of its own. Calls take turns.
///
/// ```swift
/// let sequence = try model.predictionSequence()
/// for picture in strokes { show(try sequence.predict(picture)) }
/// ```
public final class PredictionSequence: Sendable {
  /// The model that is asked.
  public let model: Model
  private let classifier: SequenceClassifier?

  /// The bytes that are held for the picture that came last; 0 where every picture is computed
  /// whole.
  public var byteCount: Int { classifier?.byteCount ?? 0 }

  /// The part of the operations of whole passes that was computed so far, from 0 to 1.
  package var share: Double { classifier?.tally.share ?? 1 }

  init(_ model: Model, room: Int) throws {
    self.model = model
    classifier = try model.classifier.inSequenceOfCalls(room: room)
  }

  /// Predicts the labels of the next picture.
  ///
  /// - Throws: ``ModelError/notFinite`` where the weights are broken.
  public func predict(_ image: Image) throws -> Prediction {
    guard let classifier else { return try model.predict(image) }
    let input = try model.admitting { model.input(for: image) }
    let logits = try Limits.current.bounding { try classifier.logits(input) }
    return try model.prediction(ofLogits: logits.scalars)
  }

  /// Whether the sequence asks this model: the one that it was made from, or a copy.
  package func asks(_ other: Model) -> Bool { model.classifier === other.classifier }
}

extension Model {
  /// The most bytes that ``predictionSequence(room:)`` takes where nothing else is said.
  public static let usualSequenceRoom = 256 << 20

  /// A sequence of predictions, for a picture that changes bit by bit.
  ///
  /// - Parameter room: The most bytes that the values of one picture may take; every picture is
  ///   computed whole where they take more.
  /// - Returns: The sequence; it has seen no picture.
  /// - Throws: `OutOfMemoryError`.
  public func predictionSequence(room: Int = usualSequenceRoom) throws -> PredictionSequence {
    try PredictionSequence(self, room: room)
  }
}
