public import Prism

/// Where a sound's evidence is, and what the model says with it alone and without it.
struct SoundEvidence: Sendable {
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
      "window": InputDocument.interval(explanation.window.start, explanation.window.end),
      "regions": .array(
        explanation.regions.map { region in
          [
            "seconds": InputDocument.interval(region.times.lowerBound, region.times.upperBound),
            "hertz": InputDocument.interval(
              region.frequencies.lowerBound, region.frequencies.upperBound),
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
      "\(NumberText.time(region.times.lowerBound)) to \(NumberText.time(region.times.upperBound)) s, "
        + "\(Int(region.frequencies.lowerBound.rounded())) to "
        + "\(Int(region.frequencies.upperBound.rounded())) Hz: "
        + NumberText.percent(region.share) + " of the positive attribution"
    }
    func shown(_ probability: Double?) -> String {
      probability.map { NumberText.percent($0) } ?? "nothing (silence)"
    }
    let label = explanation.explanation.target.label
    return regions + [
      "probability of \(label): \(shown(kept.probability)) with the evidence alone, "
        + "\(shown(removed.probability)) without it"
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
            "seconds": InputDocument.interval(window.start, window.end),
            "probabilities": .array(window.prediction.entries.map { .number($0.probability) }),
          ]
        }),
    ]
  }

  /// A line a window with its most probable label; none for a sound of one window.
  public var lines: [String] {
    guard windows.count > 1 else { return [] }
    return TextTable.lines(
      windows.map { window in
        [
          "\(NumberText.time(window.start)) to \(NumberText.time(window.end)) s",
          NumberText.percent(window.prediction.top.probability, isAligned: true),
          window.prediction.top.label,
        ]
      })
  }
}
