internal import Prism

/// What commands do differently for a model that listens.
///
/// Segments are a grid of mel bands and time; regions are in seconds and hertz; and there is sound to be written.
extension ExplainCommand {
  /// Explains one sound and makes its files.
  func explainSound(
    _ input: String, named stem: String, with model: Model, _ explainers: [any Explainer],
    _ running: Running<ExplanationResults>
  ) throws -> ExplanationResults {
    let hearing = try model.listen(to: try Sound(contentsOf: input))
    let targets = try method.targets(of: hearing.prediction, for: model)
    var files: [OutputFolder.File] = []
    var entries: [Document.Entry] = []
    func results() -> ExplanationResults {
      ExplanationResults(
        document: Document(
          input: input, model: model, prediction: hearing.prediction, explanations: entries,
          hearing: hearing), files: files, named: stem, formats: formats.elements)
    }
    for (index, explainer) in explainers.enumerated() {
      running.stage(explainer.name, index + 1, of: explainers.count)
      let explanations = try model.explain(
        hearing, with: explainer, targets: targets, batch: method.batch, work: running.work)
      var labels = UniqueNames()
      for explanation in explanations {
        let target = explanation.explanation.target
        let label = targets.count > 1 ? "." + labels.name(for: target.label) : ""
        let name = "\(stem).\(explanation.explanation.method)\(label)"
        var written: [(Format, String)] = []
        for format in formats.elements where format == .png || format == .npy {
          let contents =
            format == .png
            ? try explanation.overlay().pngData()
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
      running.keep(results())
    }
    return results()
  }
}

/// Where a sound's evidence is, and what the model says with it alone and without it.
struct SoundEvidence {
  let explanation: SoundExplanation
  /// The probability of the label for the evidence alone, `nil` for silence, and the file.
  let kept: (probability: Double?, file: String?)
  /// The same for the window without the evidence.
  let removed: (probability: Double?, file: String?)

  var json: JSON {
    func part(_ part: (probability: Double?, file: String?)) -> JSON {
      [
        "probability": part.probability.map(JSON.number) ?? .null,
        "file": part.file.map(JSON.string) ?? .null,
      ]
    }
    return [
      "window": interval(explanation.window.start, explanation.window.end),
      "regions": .array(
        explanation.regions.map { region in
          [
            "seconds": interval(region.times.lowerBound, region.times.upperBound),
            "hertz": interval(region.frequencies.lowerBound, region.frequencies.upperBound),
            "share": .number(region.share),
          ]
        }),
      "kept": part(kept),
      "removed": part(removed),
    ]
  }

  /// A line for each region, and one for what the model says without the rest.
  var lines: [String] {
    let regions = explanation.regions.prefix(3).map { region in
      "\(seconds(region.times.lowerBound)) to \(seconds(region.times.upperBound)) s, "
        + "\(Int(region.frequencies.lowerBound.rounded())) to "
        + "\(Int(region.frequencies.upperBound.rounded())) Hz: "
        + percent(region.share).drop { $0 == " " } + " of the positive attribution"
    }
    func shown(_ probability: Double?) -> String {
      probability.map { String(percent($0).drop { $0 == " " }) } ?? "nothing (silence)"
    }
    let label = explanation.explanation.target.label
    let files = [kept.file, removed.file].compactMap(\.self).joined(separator: ", ")
    return regions + [
      "probability of \(label): \(shown(kept.probability)) with the evidence alone, "
        + "\(shown(removed.probability)) without it" + (files.isEmpty ? "" : " (\(files))")
    ]
  }
}

extension Hearing {
  /// The windows with the probability of every label, in the order of the model's outputs.
  var json: JSON {
    [
      "seconds": .number(sound.seconds),
      "sampleRate": .integer(sound.rate),
      "windows": .array(
        windows.map { window in
          [
            "seconds": interval(window.start, window.end),
            "probabilities": .array(window.prediction.entries.map { .number($0.probability) }),
          ]
        }),
    ]
  }

  /// A line a window with its most probable label; none for a sound of one window.
  var lines: [String] {
    guard windows.count > 1 else { return [] }
    return table(
      windows.map { window in
        [
          "\(seconds(window.start)) to \(seconds(window.end)) s",
          percent(window.prediction.top.probability), window.prediction.top.label,
        ]
      })
  }
}

/// Why something cannot be had for a kind of input.
enum InputKindError: Error, CustomStringConvertible {
  case noSound(model: String)
  case segments(String)
  case comparison(model: String)
  case report(Format, model: String)

  var description: String {
    switch self {
    case .noSound(let model):
      "--format wav is for models that listen; \(model) takes pictures, so choose png, npy or json"
    case .segments(let text):
      "--segments \(text) divides pictures by colour and a spectrogram has none; choose grid:RxC "
        + "(R mel bands by C parts of the time) or a file that ends with .npy"
    case .comparison(let model):
      "compare is for pictures and \(model) listens; `prism explain --method a,b` explains a sound "
        + "by several methods"
    case .report(let format, let model):
      "--format \(format.rawValue) is for pictures and \(model) listens; choose png, npy, json or wav"
    }
  }
}

extension Segmenter {
  /// The division of a spectrogram: eight groups of mel bands by ten parts of the time unless told otherwise.
  ///
  /// - Throws: ``InputKindError/segments(_:)`` for what looks at colours.
  static func forSound(_ chosen: Segmenter?, argument: String?) throws -> Segmenter {
    switch chosen {
    case nil: return .grid(rows: 8, columns: 10)
    case .grid?, .labels?: return chosen ?? .grid(rows: 8, columns: 10)
    case .quickshift?, .slic?, .felzenszwalb?: throw InputKindError.segments(argument ?? "")
    }
  }
}

private func interval(_ start: Double, _ end: Double) -> JSON {
  .array([.number(rounded(start)), .number(rounded(end))])
}

/// A millisecond or a thousandth of a hertz is as much as there is.
private func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }

/// Seconds with two decimals.
private func seconds(_ value: Double) -> String {
  let hundredths = Int((value * 100).rounded())
  return "\(hundredths / 100)." + (hundredths % 100 < 10 ? "0" : "") + "\(hundredths % 100)"
}
