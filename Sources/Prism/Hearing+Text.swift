extension Hearing {
  /// What was analysed, in words: the file's sound, what was made of it, and in how many windows.
  public var analysed: String {
    var parts = ["\(Text.decimal(sound.seconds, decimals: 2)) s at \(sound.rate) Hz"]
    if let format = sound.origin.format { parts[0] += " (\(format))" }
    parts.append(sound.origin.channels == 1 ? "mono" : "one of \(sound.origin.channels) channels")
    if sound.origin.channels > 1, sound.origin.channel == .mix {
      parts[1] = "\(sound.origin.channels) channels mixed"
    }
    if rate != sound.rate { parts.append("heard at \(rate) Hz") }
    if isRepeated {
      parts.append("repeated to fill the \(Text.decimal(windowSeconds, decimals: 2)) s of a window")
    } else {
      parts.append(
        (windows.count == 1 ? "1 window" : "\(windows.count) windows")
          + " of \(Text.decimal(windowSeconds, decimals: 2)) s")
    }
    return parts.joined(separator: ", ")
  }

  /// How the prediction of the whole was made; `nil` where there is one window.
  public var judged: String? {
    guard windows.count > 1 else { return nil }
    let silent = windows.count - heard.count
    let rest =
      silent == 0
      ? ""
      : silent == 1 ? "; 1 silent window has no vote" : "; \(silent) silent windows have no vote"
    return verdict.description(of: heard.count) + rest
  }

  /// The parts of which the model says something else, a line each: the most certain five, in the
  /// order of time.
  public var passageLines: [String] {
    let limit = 5
    let strongest = passages.sorted { $0.probability > $1.probability }.prefix(limit)
    let lines = strongest.sorted { $0.start < $1.start }.map { passage in
      "\(passage.label) from \(Text.decimal(passage.start, decimals: 2)) to "
        + "\(Text.decimal(passage.end, decimals: 2)) s (probability \(Text.percent(passage.probability)))"
    }
    return passages.count > limit
      ? lines + ["and \(passages.count - limit) more passages in the document"] : lines
  }

  /// What a reader of a figure or a page of the sound has to know, a line each.
  public var notes: [String] {
    warnings.map { "warning: \($0)" }
      + passageLines
      + ["analysed: \(analysed)"]
      + sound.origin.notes
  }
}
