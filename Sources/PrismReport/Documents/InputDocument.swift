public import Prism

/// The JSON documents of inputs: `schema` tells their shape, which `Tools/schema` describes.
public enum InputDocument {
  /// The version of the shape of all documents.
  public static let schema = 1

  /// What a model says about an input.
  ///
  /// - Parameters:
  ///   - input: The input.
  ///   - model: The model.
  ///   - prediction: What it says.
  ///   - hearing: What was heard window by window, for a sound.
  ///   - picture: What was read, for a picture.
  /// - Returns: The document.
  public static func classification(
    of input: ReportInput, by model: Model, prediction: Prediction, hearing: Hearing?,
    picture: PictureFacts? = nil
  ) -> JSON {
    .object(members(input, model, prediction, hearing, picture))
  }

  /// The documents of a run, of the same shape for one input and for many.
  public static func all(_ documents: [JSON]) -> JSON { enveloped("inputs", documents) }

  /// A list with the versions of the shape and of Prism.
  ///
  /// - Parameters:
  ///   - name: What the list has, such as `models`.
  ///   - elements: The list.
  /// - Returns: An object.
  public static func enveloped(_ name: String, _ elements: [JSON]) -> JSON {
    .object(header + [.init(name: name, value: .array(elements))])
  }

  /// What every document begins with.
  static var header: [JSON.Member] {
    [
      .init(name: "schema", value: .integer(schema)),
      .init(name: "prism", value: .string(PrismVersion.current)),
    ]
  }

  /// What the documents of all commands have.
  static func members(
    _ input: ReportInput, _ model: Model, _ prediction: Prediction, _ hearing: Hearing?,
    _ picture: PictureFacts?
  ) -> [JSON.Member] {
    let document: [JSON.Member] = [
      .init(
        name: "input",
        value: ["path": .string(input.path), "sha256": .string(input.sha256)]),
      .init(name: "model", value: self.model(model)),
      .init(name: "predictions", value: .array(prediction.ranked.map(entry))),
    ]
    return header + document + (hearing.map { [.init(name: "sound", value: $0.json)] } ?? [])
      + (picture.map { [.init(name: "picture", value: $0.json)] } ?? [])
  }

  /// Which model was asked.
  static func model(_ model: Model) -> JSON {
    [
      "name": .string(model.card.name),
      "architecture": .string(model.card.architecture.rawValue),
      "sha256": .string(model.file.sha256),
    ]
  }

  /// A label, or a contrast of two, with its numbers.
  static func entry(_ entry: Prediction.Entry) -> JSON {
    let members: [JSON.Member] = [
      .init(name: "index", value: .integer(entry.index)),
      .init(name: "label", value: .string(entry.label)),
      .init(name: "logit", value: .number(entry.logit)),
      .init(name: "probability", value: .number(entry.probability)),
    ]
    let contrast = entry.contrast.map { contrast -> JSON in
      ["index": .integer(contrast.index), "rival": .integer(contrast.rival)]
    }
    return .object(members + (contrast.map { [.init(name: "contrast", value: $0)] } ?? []))
  }

  /// A part of time or frequency, as far as there are digits.
  static func interval(_ start: Double, _ end: Double) -> JSON {
    func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
    return .array([.number(rounded(start)), .number(rounded(end))])
  }
}

extension Explanation {
  /// The members that describe an explanation.
  ///
  /// - Parameters:
  ///   - window: The explained part of a sound, in seconds.
  ///   - regions: The strongest parts of a picture; `nil` for a sound, which has its evidence.
  /// - Returns: Method, target, numbers, parameters and notes, in the order of the schema.
  func members(window: ClosedRange<Double>?, regions: [PictureRegion]?) -> [JSON.Member] {
    let error = attribution.standardError.map { map -> JSON in
      [
        "mean": .number(map.sum / Double(max(map.count, 1))),
        "maximum": .number(Double(map.maximum)),
      ]
    }
    let segments = attribution.segments.map { segments -> JSON in
      [
        "values": .array(segments.values.map(JSON.number)),
        "standardErrors": .array(segments.standardErrors.map(JSON.number)),
      ]
    }
    let members: [JSON.Member] = [
      .init(name: "method", value: .string(method)),
      .init(name: "target", value: InputDocument.entry(target)),
      .init(
        name: "window",
        value: window.map { InputDocument.interval($0.lowerBound, $0.upperBound) } ?? .null),
      .init(name: "parameters", value: parameters.json),
      .init(name: "seconds", value: .number(seconds)),
      .init(name: "evaluations", value: .integer(attribution.evaluations)),
      .init(name: "explains", value: .string(unit)),
      .init(name: "unit", value: mapUnit.isEmpty ? .null : .string(mapUnit)),
      .init(name: "explainedValue", value: attribution.explainedValue.map(JSON.number) ?? .null),
      .init(name: "baseValue", value: attribution.baseValue.map(JSON.number) ?? .null),
      .init(name: "sum", value: attribution.sum.map(JSON.number) ?? .null),
      .init(
        name: "completenessGap", value: attribution.completenessGap.map(JSON.number) ?? .null),
      .init(name: "score", value: attribution.score.map(JSON.number) ?? .null),
      .init(name: "standardError", value: error ?? .null),
      .init(name: "segments", value: segments ?? .null),
      .init(name: "diagnostics", value: .array(attribution.diagnostics.map(JSON.string))),
    ]
    return members
      + (regions.map { [.init(name: "regions", value: .array($0.map(\.json)))] } ?? [])
  }

  /// What a reader of the map should know, a line each: how the sum closes, how good the fit is,
  /// and notes.
  var facts: [String] {
    var facts: [String] = []
    if let base = attribution.baseValue, let sum = attribution.sum,
      let gap = attribution.completenessGap
    {
      let whole = "\(unit) \(Text.number(attribution.explainedValue ?? base + sum + gap))"
      let parts = "base value \(Text.number(base)) + sum \(Text.number(sum))"
      facts.append(
        abs(gap) < NumberText.leastGap
          ? "\(parts) = \(whole), gap \(NumberText.gap(gap))"
          : "\(parts) + gap \(NumberText.gap(gap)) = \(whole)")
    }
    if let score = attribution.score {
      facts.append("R² of the fit \(Text.number(score))")
    }
    return facts + attribution.diagnostics
  }
}
