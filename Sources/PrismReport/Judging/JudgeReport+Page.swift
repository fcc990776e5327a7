internal import Prism

extension JudgeReport {
  /// The page for people.
  ///
  /// - Throws: `ImageError` where a picture cannot be drawn; what the journal cannot be read for.
  func page() throws -> Report {
    let card = run.model.card
    var sections = [
      Report.Section(
        "", [.lead(advice)] + notes.map { .sentence($0) })
    ]
    if let ranking { sections += [rankingSection(ranking), separation(ranking)] }
    sections.append(
      Report.Section(
        "All measures",
        [
          .table(
            .init(header: ["method"] + measures.map(\.title), rows: order.map(row))),
          .note(
            "Means over labels of the means over their pictures. Arrows point the way that is good; "
              + "the baselines know nothing of the model. Intervals are in judge.csv."),
        ]))
    if let section = labelSection { sections.append(section) }
    sections += try gallery()
    sections.append(
      Report.Section(
        "What the measures mean", measures.map { .note("\($0.title): \($0.meaning).") }))
    return Report(
      title: "Which explanation may be believed: \(card.name)",
      subtitle: "\(run.data), \(run.scope.split) (\(run.scope.reason)) · \(pictures) "
        + (pictures == 1 ? "input" : "inputs") + ", \(labels.count) "
        + (labels.count == 1 ? "label" : "labels") + " · \(card.architecture.rawValue)",
      sections: sections)
  }

  private func title(_ method: Int) -> String { run.methods[method].explainer.title }

  private func rankingSection(_ ranking: MethodRanking) -> Report.Section {
    let means = ranking.order.compactMap { method in
      ranking.estimates[method].map { estimate in
        Report.Mean(
          name: title(method), value: estimate.value, interval: estimate.interval,
          text: Self.text(estimate), isReference: run.methods[method].isBaseline,
          isStrong: ranking.leaders.contains(method))
      }
    }
    let intervals =
      run.request.resamples > 0 && pictures > 1
      ? "; lines are 95 % intervals by \(run.request.resamples) bootstraps over pictures" : ""
    return Report.Section(
      "Ranking by \(ranking.measure.noun)",
      [
        .note(
          "\(ranking.measure.meaning.prefix(1).uppercased())\(ranking.measure.meaning.dropFirst())"
            + "\(intervals). Bold: the best method and those that cannot be told from it. Grey: "
            + "baselines."),
        .means(means),
      ])
  }

  private static func text(_ estimate: JudgedMaps.Estimate) -> String {
    let value = NumberText.measure(estimate.value)
    guard let interval = estimate.interval else { return value }
    return "\(value) (\(NumberText.measure(interval.lowerBound)) to "
      + "\(NumberText.measure(interval.upperBound)))"
  }

  /// What can be told apart, and what cannot.
  private func separation(_ ranking: MethodRanking) -> Report.Section {
    let best = ranking.leaders.first
    let baselines = run.methods.indices.filter { run.methods[$0].isBaseline }
    func pair(_ a: Int, _ b: Int) -> JudgedMaps.Pair? {
      ranking.pairs.first { ($0.first, $0.second) == (a, b) || ($0.first, $0.second) == (b, a) }
    }
    let rows = ranking.order.filter { !run.methods[$0].isBaseline }.map { method -> [String] in
      let toBest = best.flatMap { best in method == best ? nil : pair(best, method) }
      let difference = toBest.map { $0.first == method ? $0.difference : -$0.difference }
      return [
        title(method), NumberText.measure(difference), toBest.map { Self.p($0.p) } ?? "–",
        method == best ? "the best" : ranking.leaders.contains(method) ? "no" : "yes",
      ]
        + baselines.map { baseline in
          guard let pair = pair(method, baseline) else { return "–" }
          return pair.better == method
            ? "yes" : pair.better == baseline ? "no, worse" : "not shown"
        }
    }
    return Report.Section(
      "What can be told apart",
      [
        .table(
          .init(
            header: ["method", "difference to the best", "p", "told from the best"]
              + baselines.map { "better than \(title($0))" }, rows: rows)),
        .note(
          "Wilcoxon's signed-rank test over the pictures that both have (of a picture with several "
            + "labels their mean), two-sided, p corrected by Holm's method for all "
            + "\(ranking.pairs.count) pairs; below \(JudgedMaps.level) counts as told apart. "
            + "All pairs are in judge.json."),
      ])
  }

  private static func p(_ value: Double) -> String {
    value < 0.001 ? "<\u{A0}0.001" : NumberText.measure(value)
  }

  /// The measure that ranks, label by label.
  private var labelSection: Report.Section? {
    guard let ranking, labels.count > 1 else { return nil }
    let shown = labels.prefix(Self.shownLabels)
    let rows = shown.map { entry -> [String] in
      let estimates = entry.estimates[ranking.measure] ?? []
      let pictures = estimates.compactMap { $0?.pictures }.max() ?? 0
      return [run.model.labels[entry.label], "\(pictures)"]
        + ranking.order.map {
          NumberText.measure(estimates.indices.contains($0) ? estimates[$0]?.value : nil)
        }
    }
    var blocks: [Report.Block] = [
      .table(
        .init(header: ["label", "pictures"] + ranking.order.map { title($0) }, rows: rows))
    ]
    if labels.count > shown.count {
      blocks.append(.note("The first \(shown.count) of \(labels.count) labels; judge.csv has all."))
    }
    return Report.Section("Label by label: \(ranking.measure.noun)", blocks)
  }

  // MARK: The best and the worst maps

  private func gallery() throws -> [Report.Section] {
    guard let ranking else { return [] }
    let methods = ranking.order.filter { !run.methods[$0].isBaseline }.prefix(Self.shownMethods)
    let ends = methods.map { (method: $0, ends: self.ends($0)) }
    let places = Set(ends.flatMap { $0.ends.best + $0.ends.worst }.map(\.place))
    var panels = Panels(run, maps: try run.smallMaps(places.contains))
    var blocks: [Report.Block] = []
    for (method, ends) in ends {
      var thumbnails: [Report.Thumbnail] = []
      for (name, list) in [("best", ends.best), ("worst", ends.worst)] {
        thumbnails += try list.compactMap { end in
          try panels.thumbnail(
            end.place,
            captions: [
              "\(name): \(run.model.labels[end.place.label])",
              "\(ranking.measure.shortTitle) \(NumberText.measure(end.value))",
              FileStem.stem(of: run.inputs[end.place.picture]),
            ])
        }
      }
      guard !thumbnails.isEmpty else { continue }
      blocks.append(.pictures(title: title(method), thumbnails))
    }
    guard !blocks.isEmpty else { return [] }
    let note: Report.Block = .note(
      "The maps with the best and the worst \(ranking.measure.noun) of each method; the white line is "
        + "the border of the region that is right. Maps are shown with \(SmallMap.side)×"
        + "\(SmallMap.side) cells.")
    return [Report.Section("The best and the worst pictures of each method", [note] + blocks)]
  }
}
