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
            "repetition": .integer(region.repetition),
            "hertz": .array(
              [region.frequencies.lowerBound, region.frequencies.upperBound].map {
                .number(Text.rounded($0, figures: 3))
              }),
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
      "\(NumberText.time(region.times.lowerBound)) to \(NumberText.time(region.times.upperBound)) s"
        + (region.repetition > 0 ? " (repeated), " : ", ")
        + NumberText.hertz(region.frequencies) + ": "
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
  /// The sound: what was read, how it was judged, and the windows with the probability of every
  /// label.
  var json: JSON {
    [
      "seconds": .number(sound.seconds),
      "sampleRate": .integer(sound.rate),
      "format": sound.origin.format.map(JSON.string) ?? .null,
      "channels": .integer(sound.origin.channels),
      "channel": .string(sound.origin.channel.rawValue),
      "heardRate": .integer(rate),
      "windowSeconds": .number(windowSeconds),
      "isRepeated": .bool(isRepeated),
      "notes": .array(sound.origin.notes.map(JSON.string)),
      "verdict": [
        "rule": .string(verdict.rawValue),
        "windows": .integer(heard.count),
        "silent": .integer(windows.count - heard.count),
      ],
      "passages": .array(
        passages.map { passage in
          [
            "seconds": InputDocument.interval(passage.start, passage.end),
            "index": .integer(passage.index),
            "label": .string(passage.label),
            "probability": .number(passage.probability),
          ]
        }),
      "signal": [
        "level": .number(Text.rounded(signal.level, figures: 3)),
        "sounding": .number(Text.rounded(signal.sounding, figures: 3)),
        "peak": .number(Text.rounded(signal.peak, figures: 3)),
        "clipped": .number(signal.clipped),
        "bandwidth": .number(Text.rounded(signal.bandwidth, figures: 3)),
        "flatness": .number(Text.rounded(signal.flatness, figures: 3)),
        "tone": .number(Text.rounded(signal.tone, figures: 3)),
        "purity": .number(Text.rounded(signal.purity, figures: 3)),
        "levelSpread": .number(Text.rounded(signal.levelSpread, figures: 3)),
        "voiced": .number(Text.rounded(signal.voiced, figures: 3)),
      ],
      "warnings": .array(warnings.map(JSON.string)),
      "windows": .array(
        windows.map { window in
          [
            "seconds": InputDocument.interval(window.start, window.end),
            "isSilent": .bool(window.isSilent),
            "probabilities": window.prediction.map {
              .array($0.entries.map { .number($0.probability) })
            } ?? .null,
          ]
        }),
    ]
  }

  /// How the verdict was made, what the model says of parts, what was analysed, and the windows
  /// with their most probable label; of a long sound parts of equal labels in place of windows.
  public var lines: [String] {
    (judged.map { ["verdict: \($0)"] } ?? []) + notes
      + (windows.count > 1 ? TextTable.lines(rows) : [])
  }

  /// The most windows that have a line each.
  private static var lineLimit: Int { 24 }

  private var rows: [[String]] {
    func row(_ windows: ArraySlice<Window>) -> [String] {
      let probabilities = windows.compactMap { $0.prediction?.top.probability }
      let (least, most) = (probabilities.min() ?? 0, probabilities.max() ?? 0)
      let shares = NumberText.percent(most, isAligned: true)
      let times =
        "\(NumberText.time(windows.first?.start ?? 0)) to \(NumberText.time(windows.last?.end ?? 0)) s"
      guard let label = windows.first?.prediction?.top.label else { return [times, "", "silence"] }
      return [times, shares, label]
        + (windows.count > 1
          ? ["in \(windows.count) windows, at least \(NumberText.percent(least))"] : [])
    }
    guard windows.count > Self.lineLimit else {
      return windows.indices.map { row(windows[$0...$0]) }
    }
    var rows: [[String]] = []
    var start = 0
    for index in windows.indices.dropFirst() + [windows.count]
    where index == windows.count
      || windows[index].prediction?.top.index != windows[start].prediction?.top.index
    {
      rows.append(row(windows[start..<index]))
      start = index
    }
    return rows.count > Self.lineLimit
      ? Array(rows.prefix(Self.lineLimit)) + [
        ["and \(rows.count - Self.lineLimit) more parts", "", ""]
      ]
      : rows
  }
}
