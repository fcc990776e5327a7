internal import Prism
internal import PrismReport

/// What commands do differently for a model that listens.
///
/// Segments are a grid of mel bands and time; regions are in seconds and hertz; and there is sound to be written.
extension ExplainCommand {
  /// Explains one sound and writes its files, all or none of them.
  func explainSound(
    _ input: String, named stem: String, with model: Model, _ explainers: [any Explainer],
    into folder: OutputFolder
  ) throws -> ExplanationDocument {
    let hearing = try model.listen(to: try Sound(contentsOf: input))
    let targets = try method.targets(of: hearing.prediction, for: model)
    var files: [OutputFolder.File] = []
    var entries: [ExplanationDocument.Entry] = []
    for explainer in explainers {
      let explanations = try model.explain(
        hearing, with: explainer, targets: targets, batch: method.batch)
      var labels = UniqueNames()
      for explanation in explanations {
        let target = explanation.explanation.target
        let label = targets.count > 1 ? "." + labels.name(for: target.label) : ""
        let name = "\(stem).\(explanation.explanation.method)\(label)"
        var written: [(ResultFormat, String)] = []
        for format in formats.elements where format == .png || format == .npy {
          let contents =
            format == .png
            ? try explanation.overlay(
              title: input.split(separator: "/").last.map(String.init) ?? input
            ).pngData()
            : ArrayFile.data(explanation.explanation.values)
          files.append(.init(name: "\(name).\(format.rawValue)", contents: contents))
          written.append((format, "\(name).\(format.rawValue)"))
        }
        var sounds: [String?] = [nil, nil]
        if formats.elements.contains(.wav) {
          for (i, part) in [("kept", explanation.kept), ("removed", explanation.removed)]
            .enumerated()
          {
            let file = "\(name).\(part.0).wav"
            files.append(.init(name: file, contents: try part.1.wavData()))
            sounds[i] = file
          }
        }
        let evidence = SoundEvidence(
          explanation: explanation,
          kept: (try model.probability(of: target, in: explanation.kept), sounds[0]),
          removed: (try model.probability(of: target, in: explanation.removed), sounds[1]))
        entries.append(
          .init(explanation: explanation.explanation, files: written, evidence: evidence))
      }
    }
    let document = ExplanationDocument(
      input: input, model: model, prediction: hearing.prediction, explanations: entries,
      hearing: hearing)
    if formats.elements.contains(.json) {
      files.append(
        .init(name: "\(stem).json", contents: Array((document.json.formatted + "\n").utf8)))
    }
    try folder.write(files)
    return document
  }
}
