public import Prism

/// What is told of a model that is found by name.
public enum ModelDocument {
  /// What `prism models --json` tells of a model.
  ///
  /// - Parameters:
  ///   - entry: Where it was found.
  ///   - model: The model.
  /// - Returns: An object.
  public static func json(_ entry: ModelCatalogue.Entry, _ model: Model) -> JSON {
    [
      "name": .string(entry.name),
      "file": .string(entry.path),
      "architecture": .string(model.card.architecture.rawValue),
      "description": .string(model.card.description),
      "source": .string(model.card.source),
      "license": .string(model.card.license),
      "input": .string(inputSize(of: model)),
      "labels": .array(model.labels.map(JSON.string)),
      "methods": .array(methods(of: model).map(JSON.string)),
    ]
  }

  /// The input size as it is shown, such as `160×160`, for sound such as `2.0 s, 8000 Hz`.
  public static func inputSize(of model: Model) -> String {
    model.card.input.audio.map { "\($0.seconds) s, \($0.sampleRate) Hz" }
      ?? "\(model.card.input.image.width)×\(model.card.input.image.height)"
      + (model.card.input.image.crop.map { ", centre of \($0.side)" } ?? "")
  }

  /// The names of the methods that can explain a model.
  public static func methods(of model: Model) -> [String] {
    ExplanationMethod.allCases.filter { model.obstacle(to: $0) == nil }.map(\.rawValue)
  }
}
