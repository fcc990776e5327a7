internal import Prism
internal import PrismReport

/// What the interface tells of a model.
enum ModelText {
  /// `audio` or `image`.
  static func kind(of model: Model) -> String { model.card.input.audio == nil ? "image" : "audio" }

  /// A model with its labels and methods.
  static func json(_ name: String, _ model: Model) -> JSON {
    let image = model.card.input.image
    return [
      "name": .string(name), "type": .string(kind(of: model)),
      "architecture": .string(model.card.architecture.rawValue),
      "description": .string(model.card.description), "source": .string(model.card.source),
      "license": .string(model.card.license),
      "input": .string(ModelDocument.inputSize(of: model)),
      "height": .integer(image.height), "width": .integer(image.width),
      "seconds": model.card.input.audio.map { .number($0.seconds) } ?? .null,
      "audio": model.card.input.audio.map(audio) ?? .null,
      "labels": .array(model.labels.map(JSON.string)),
      "methods": methods(of: model),
    ]
  }

  /// How a sound becomes a picture, so that places of it can be told in seconds and hertz.
  private static func audio(_ input: ModelCard.AudioInput) -> JSON {
    [
      "sampleRate": .integer(input.sampleRate), "seconds": .number(input.seconds),
      "fft": .integer(input.fft), "hop": .integer(input.hop), "bands": .integer(input.bands),
      "minimum": .number(input.minimum), "maximum": .number(input.maximum),
      "melScale": .string(input.melScale.rawValue), "range": .number(input.range),
      "orientation": .string(input.orientation.rawValue),
    ]
  }

  /// All methods, each with what may be chosen and why it does not fit.
  static func methods(of model: Model?) -> JSON {
    let listed = MethodList(for: model, layer: nil).json["methods"]?.elements ?? []
    return .array(
      zip(ExplanationMethod.allCases, listed).map { method, json in
        guard case .object(let members) = json else { return json }
        let choices = method.choices.map(\.rawValue).sorted().map(JSON.string)
        return .object(members + [.init(name: "choices", value: .array(choices))])
      })
  }

  /// A label with its numbers.
  static func json(_ entry: Prediction.Entry) -> JSON {
    [
      "index": .integer(entry.index), "label": .string(entry.label), "logit": .number(entry.logit),
      "probability": .number(entry.probability),
    ]
  }
}
