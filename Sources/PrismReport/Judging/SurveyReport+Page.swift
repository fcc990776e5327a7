internal import Prism

extension SurveyReport {
  /// The members of a group that are shown.
  private static let shownMembers = 5
  /// The labels whose groups are shown.
  private static let shownLabels = 20

  /// The page for people.
  ///
  /// - Throws: `ImageError` where a picture cannot be drawn.
  func page() throws -> Report {
    let card = run.model.card
    let method = run.methods.first?.explainer.title ?? ""
    var panels = Panels(run, maps: small)
    var sections = [
      Report.Section(
        "", [.lead(advice)] + notes.map { .sentence($0) })
    ]
    sections.append(overview)
    // What is suspicious stands first.
    let order = labels.sorted { a, b in
      let (first, second) = (a.groups.map(\.score).max() ?? 0, b.groups.map(\.score).max() ?? 0)
      return first == second ? a.label < b.label : first > second
    }
    for label in order.prefix(Self.shownLabels) {
      sections.append(try section(label, &panels))
    }
    if labels.count > Self.shownLabels {
      sections.append(
        Report.Section(
          "", [.note("\(Self.shownLabels) of \(labels.count) labels; survey.json has all.")]))
    }
    sections.append(definitions)
    return Report(
      title: "What the data give away: \(card.name)",
      subtitle: "\(run.data), \(run.scope.split) (\(run.scope.reason)) · \(pictures) "
        + (pictures == 1 ? "input" : "inputs") + " · \(method)",
      sections: sections)
  }

  private var overview: Report.Section {
    let rows = labels.flatMap { label in
      label.groups.enumerated().map { number, group in
        [
          "\(run.model.labels[label.label]) \(number + 1)", "\(group.pictures.count)",
          placeName(group), Text.percent(group.maps.area), Text.percent(group.maps.inside),
          Text.percent(group.maps.outside), group.effect.map(Self.fall) ?? "–",
          group.effectElsewhere.map(Self.fall) ?? "–", NumberText.measure(group.score),
        ]
      }
    }
    return Report.Section(
      "All groups",
      [
        .table(
          .init(
            header: [
              "label and group", "inputs", "place", "covers", "evidence there",
              "of the others there", "effect", "effect elsewhere", "score",
            ], rows: rows)),
        .note(
          "A group is suspicious from a score of \(Self.alarm) on. What the columns mean stands at "
            + "the end."),
      ])
  }

  private static func fall(_ effect: Double) -> String {
    // Odds may rise to many times what they were, and hardly fall to nothing.
    effect < 0
      ? "+" + Text.percent(-effect) : effect > 0.9995 ? "< −99.9 %" : "−" + Text.percent(effect)
  }

  private func section(_ label: Label, _ panels: inout Panels) throws -> Report.Section {
    let name = run.model.labels[label.label]
    var blocks: [Report.Block] = []
    for (number, group) in label.groups.enumerated() {
      let title =
        "Group \(number + 1): \(group.pictures.count) of \(label.count), \(placeName(group)), score "
        + NumberText.measure(group.score) + (group.isSuspicious ? ", suspicious" : "")
      blocks.append(.pictures(title: title, try thumbnails(of: group, in: label, &panels)))
    }
    if !label.outliers.isEmpty {
      let shown = try label.outliers.prefix(Self.shownMembers).compactMap { picture in
        try panels.thumbnail(
          MapPlace(picture: picture, label: label.label, method: 0),
          captions: [FileStem.stem(of: run.inputs[picture])])
      }
      blocks.append(
        .pictures(title: "Unlike all others: \(label.outliers.count) of \(label.count)", shown))
    }
    return Report.Section(name, blocks)
  }

  /// The mean maps of a group, and some of its members.
  private func thumbnails(
    of group: Group, in label: Label, _ panels: inout Panels
  ) throws -> [Report.Thumbnail] {
    let place = Tensor([label.rows, label.columns], group.maps.place.map { $0 ? 1 : 0 })
    let members = try group.pictures.prefix(Self.shownMembers).compactMap { picture in
      try panels.thumbnail(
        MapPlace(picture: picture, label: label.label, method: 0),
        captions: [FileStem.stem(of: run.inputs[picture])])
    }
    let size = members.first.map { ($0.image.width, $0.image.height) } ?? (144, 144)
    let area = members.first?.area ?? .whole
    func drawn(_ mean: [Double]) throws -> Image {
      let map = Tensor([label.rows, label.columns], mean.map { Float($0) })
      let ground = Image(width: size.0, height: size.1, filledWith: RGB(90, 90, 90))
      return try Overlay(opacity: 1).draw(map, over: ground, in: area)
    }
    return [
      Report.Thumbnail(
        try drawn(group.maps.mean), outline: place, area: area,
        captions: ["mean map", "frame: half of it"]),
      Report.Thumbnail(
        try drawn(group.maps.aligned), area: area, captions: ["mean map, moved", "to the middle"]),
    ] + members
  }

  private var definitions: Report.Section {
    Report.Section(
      "What this means",
      [
        .note(
          "Maps are made small (\(Self.side)×\(Self.side)); what of their positive part passes its "
            + "mean is grouped by spectral clustering of the graph of nearest neighbours, in which the "
            + "number of groups is told by the widest gap of the eigenvalues (SpRAy, Lapuschkin et "
            + "al. 2019); groups whose mean maps are alike are one."),
        .note(
          "Place: the fewest cells that hold half of the group's mean map. Evidence there: the share "
            + "of a member's evidence in the place, which is found on one half of the members and "
            + "measured on the other. Of the others there: the same of all maps outside the group, "
            + "other labels' too."),
        .note(
          "Effect: by how much the label's odds fall when the place is filled in, from its rim or with "
            + "the mean of the rest, whichever tells it more from other inputs; a geometric mean over "
            + "up to \(Self.measured) inputs whose maps point there; effect elsewhere: of other inputs "
            + "with the label. Not measured (–) where the maps point at no fixed place."),
        .note(
          "Score: 2 · (evidence there − the larger of evidence of the others and area), at most 1, · "
            + "(1 − 4 · area) · (mean cosine of two members)² · selectivity · (effect − effect "
            + "elsewhere). Selectivity: how much more often maps of the label than those of other labels "
            + "point at the place, 1 − others / own. A mean map that is as sharp as it is when moved to "
            + "the middle is one of a fixed place; one that is sharp only when moved is one of things "
            + "that lie anywhere."),
        .note(
          "What to do: survey.suspicious.csv lists the inputs that point at suspicious places; prism "
            + "train --leave-out takes it. Who rather masks the place does so in all inputs, of all "
            + "labels: where it is masked in those alone, the mask is the next shortcut."),
      ])
  }
}
