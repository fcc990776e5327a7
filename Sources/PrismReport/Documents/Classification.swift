public import Prism

/// What a model says about an input, a picture or a sound.
public struct Classification: Sendable {
  /// The input.
  public let input: ReportInput
  /// What the model says about the whole of it.
  public let prediction: Prediction
  /// What was heard window by window, of a sound.
  public let hearing: Hearing?
  /// What was done to a picture; `nil` for a sound.
  public let picture: PictureFacts?

  /// Decodes an input and asks a model.
  ///
  /// - Parameters:
  ///   - input: A picture, or a sound for a model that listens.
  ///   - model: The model.
  ///   - pictures: How pictures are read.
  ///   - sounds: How sounds are read and judged.
  /// - Throws: What the input cannot be read for; `ModelError`.
  public init(
    of input: ReportInput, by model: Model, pictures: PictureReading = PictureReading(),
    sounds: SoundReading = SoundReading()
  ) throws {
    self.input = input
    if model.card.input.audio == nil {
      let image = try input.picture(pictures)
      hearing = nil
      prediction = try model.predict(image)
      picture = PictureFacts(image, for: model)
    } else {
      let heard = try sounds.hearing(of: input, by: model)
      picture = nil
      hearing = heard
      prediction = heard.prediction
    }
  }

  /// The document with all labels and logits.
  ///
  /// - Parameter model: The model that was asked.
  /// - Returns: An object with input, model and predictions.
  public func document(of model: Model) -> JSON {
    InputDocument.classification(
      of: input, by: model, prediction: prediction, hearing: hearing,
      picture: picture)
  }
}
