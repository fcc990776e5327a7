public import Prism

/// What the explanations of many inputs give away together.
public struct SurveyReport: DataReport {
  /// The rows and columns to which maps are made small before they are grouped.
  static let side = 16
  /// The score from which a group is called suspicious.
  public static let alarm = 0.15
  /// The fixedness from which the effect of the place is measured.
  static let worthMeasuring = 0.2
  /// The pictures of a group, and those beside it, on which an effect is measured.
  static let measured = 16
  /// The most maps of other labels with which places are compared.
  static let others = 500

  /// A group of maps of one label.
  struct Group: Sendable {
    /// The label's index.
    let label: Int
    /// The maps in the order of ``MapGroups/Group/members``, by the numbers of their pictures.
    let pictures: [Int]
    let maps: MapGroups.Group
    /// By how much the label's odds fall, relative to what they are, when the place is filled in;
    /// `nil` where that was not measured.
    let effect: Double?
    /// The same of pictures of the label that do not point at the place; `nil` where there are none.
    let effectElsewhere: Double?
    /// The pictures of the label, also of other groups, whose maps point at the place.
    let pointing: [Int]

    /// How suspicious the group is, from 0 to 1: its fixedness times its selectivity times its effect,
    /// less the effect elsewhere.
    var score: Double {
      maps.fixedness * maps.selectivity * max(0, (effect ?? 0) - max(0, effectElsewhere ?? 0))
    }

    /// Whether somebody should look.
    var isSuspicious: Bool { score >= SurveyReport.alarm }
  }

  /// The groups of a label's maps.
  struct Label: Sendable {
    /// The label's index.
    let label: Int
    /// How many maps it has.
    let count: Int
    let groups: [Group]
    /// Pictures whose maps are unlike all others.
    let outliers: [Int]
    let eigenvalues: [Double]
    let rows: Int
    let columns: Int
  }

  let run: JudgeRun
  /// The labels with maps.
  let labels: [Label]
  let small: [MapPlace: SmallMap]
  /// Pictures that could not be read, and why.
  let unread: [(path: String, reason: String)]
  /// What a reader should know.
  let notes: [String]
  /// The pictures with maps.
  let pictures: Int

  /// Groups the maps.
  ///
  /// - Parameters:
  ///   - run: What was explained, by its first method.
  ///   - findings: What is known of every picture that could be read.
  ///   - unread: Pictures that could not be read, and why.
  ///   - work: Is told of labels; ends where its task is cancelled.
  /// - Throws: ``JudgeError`` where there is nothing; `ExplanationError`; `CancellationError`.
  public init(
    _ run: JudgeRun, findings: [(path: String, findings: JudgeRun.Findings)],
    unread: [(path: String, reason: String)], work: Work = .unwatched
  ) throws {
    self.run = run
    self.unread = unread
    let records = findings.flatMap(\.findings.records)
    let known = Set(records.map(\.picture))
    let small = try run.smallMaps { place in
      let sample = run.samples[place.picture]
      return known.contains(sample.path) && sample.labels.contains(place.label)
    }
    self.small = small
    guard !small.isEmpty else {
      if let failure = findings.lazy.flatMap(\.findings.failures).first {
        throw ExplanationError.unsuitable(failure.line)
      }
      throw JudgeError.noneFound
    }
    pictures = Set(small.keys.map(\.picture)).count
    var places: [Int: [MapPlace]] = [:]
    for place in small.keys { places[place.label, default: []].append(place) }
    for label in places.keys { places[label]?.sort { $0.picture < $1.picture } }
    let vectors = small.mapValues(Self.vector)
    let seed = run.request.explanations.seed
    work.plan(places.count)
    var panels = Panels(run, maps: small)
    var labels: [Label] = []
    var notes = run.notes
    for label in places.keys.sorted() {
      var own = places[label] ?? []
      if own.count > SpectralClustering.limit {
        notes.append(
          "\(run.model.labels[label]): \(SpectralClustering.limit) of \(own.count) maps are grouped"
        )
        own = Self.drawn(own, SpectralClustering.limit, seed: seed)
      }
      let rest = places.keys.sorted().filter { $0 != label }.flatMap { places[$0] ?? [] }
      let others = Self.drawn(rest, Self.others, seed: seed).compactMap { vectors[$0]?.values }
      guard let shape = own.first.flatMap({ vectors[$0] }) else { continue }
      let maps = try MapGroups(
        own.compactMap { vectors[$0]?.values },
        others: others.filter { $0.count == shape.values.count }, rows: shape.rows,
        columns: shape.columns, seed: seed)
      let groups = try maps.groups.map { group in
        try Self.examined(
          group, of: label, own.map(\.picture), &panels, run: run, rows: shape.rows,
          columns: shape.columns)
      }
      labels.append(
        Label(
          label: label, count: own.count, groups: groups,
          outliers: maps.outliers.map { own[$0].picture }, eigenvalues: maps.eigenvalues,
          rows: shape.rows, columns: shape.columns))
      try work.did(1)
    }
    self.labels = labels
    let few = labels.filter { $0.count < 20 }.count
    if few > 0 {
      notes.append(
        "\(few) of \(labels.count) labels have fewer than 20 maps, of which groups say little")
    }
    self.notes = notes
  }

  /// A map as it is grouped.
  private static func vector(_ map: SmallMap) -> (values: [Double], rows: Int, columns: Int) {
    let small = SmallMap(map.tensor, side: side)
    return (small.levels.map { Double($0) }, small.rows, small.columns)
  }

  /// At most so many of a list, in their order.
  private static func drawn<Element>(_ list: [Element], _ count: Int, seed: UInt64) -> [Element] {
    guard list.count > count else { return list }
    var random = SeededRandom(seed: seed)
    return list.indices.shuffled(using: &random).prefix(count).sorted().map { list[$0] }
  }

  /// A group with the effect of its place, where that is worth measuring.
  private static func examined(
    _ group: MapGroups.Group, of label: Int, _ pictures: [Int], _ panels: inout Panels,
    run: JudgeRun, rows: Int, columns: Int
  ) throws -> Group {
    let members = group.members.map { pictures[$0] }
    let pointing = group.pointing.map { pictures[$0] }
    guard group.fixedness >= worthMeasuring else {
      return Group(
        label: label, pictures: members, maps: group, effect: nil, effectElsewhere: nil,
        pointing: pointing)
    }
    let place = Tensor([rows, columns], group.place.map { $0 ? 1 : 0 })
    let isPointing = Set(pointing)
    let seed = run.request.explanations.seed
    // Means of logarithms: one picture whose odds rise a hundredfold must not outweigh all others.
    func effects(_ pictures: [Int]) throws -> [Double]? {
      let falls = try drawn(pictures, measured, seed: seed).compactMap {
        try panels.falls(of: label, in: $0, without: place)
      }
      guard let ways = falls.first?.indices else { return nil }
      return ways.map { way in
        1 - exponential(-falls.reduce(0) { $0 + $1[way] } / Double(falls.count))
      }
    }
    let here = try effects(pointing)
    let elsewhere = try effects(pictures.filter { !isPointing.contains($0) })
    // The way of filling in by which the place differs the more from others.
    func difference(_ way: Int) -> Double { (here?[way] ?? 0) - max(0, elsewhere?[way] ?? 0) }
    let way = (here ?? []).indices.max { difference($0) < difference($1) } ?? 0
    return Group(
      label: label, pictures: members, maps: group, effect: here?[way],
      effectElsewhere: elsewhere?[way], pointing: pointing)
  }

  // MARK: Words

  /// The suspicious groups, the most suspicious first.
  var suspicious: [Group] {
    labels.flatMap(\.groups).filter(\.isSuspicious).sorted { $0.score > $1.score }
  }

  /// What to look at, in plain sentences.
  public var advice: String {
    let found = suspicious
    guard let first = found.first else {
      return "No group of explanations points at one fixed place that matters: no sign of a "
        + "shortcut of that kind in these \(pictures) inputs. Shortcuts that move about or fill the "
        + "whole input do not show here."
    }
    let name = run.model.labels[first.label]
    let all = labels.first { $0.label == first.label }?.count ?? first.pictures.count
    var text =
      "Look at \(name): in \(first.pointing.count) of \(all) inputs the evidence lies at one fixed "
      + "place, \(placeName(first)), and where it is filled in, the label's odds fall by "
      + Self.percent(first.effect ?? 0)
    if let elsewhere = first.effectElsewhere {
      text += " (of the other inputs with the label by \(Self.percent(max(0, elsewhere))))"
    }
    text +=
      ". If nothing there belongs to \(name), the model has learnt a shortcut: train again without the "
      + "files that survey.suspicious.csv lists (--leave-out), or with that place masked in all "
      + "inputs alike, and survey again."
    let others = Set(found.dropFirst().map { run.model.labels[$0.label] }).sorted()
    if found.count > 1 {
      text +=
        " \(found.count - 1) more suspicious "
        + (found.count == 2 ? "group" : "groups") + ": \(others.joined(separator: ", "))."
    }
    return text
  }

  /// A share in a sentence.
  private static func percent(_ share: Double) -> String {
    share > 0.9995 ? "more than 99.9 %" : Text.percent(share)
  }

  /// Where a group's place is, in words.
  func placeName(_ group: Group) -> String {
    guard let label = labels.first(where: { $0.label == group.label }) else { return "" }
    let cells = group.maps.place.indices.filter { group.maps.place[$0] }
    let weights = cells.map { group.maps.mean[$0] }
    let sum = weights.reduce(0, +)
    guard sum > 0 else { return "nowhere: the maps are blank" }
    func centre(_ position: (Int) -> Int, of count: Int) -> Double {
      zip(cells, weights).reduce(0) { $0 + (Double(position($1.0)) + 0.5) * $1.1 }
        / sum / Double(count)
    }
    let down = centre({ $0 / label.columns }, of: label.rows)
    let across = centre({ $0 % label.columns }, of: label.columns)
    if let audio = run.model.card.input.audio, let rule = try? AudioPreparation(audio) {
      // A place that is nearly as long or as high as the window is a band, or a moment.
      func isWhole(_ position: (Int) -> Int, of count: Int) -> Bool {
        let places = cells.map(position)
        return ((places.max() ?? 0) - (places.min() ?? 0) + 1) * 4 >= count * 3
      }
      let time = "around \(NumberText.time(rule.time(at: across))) s of the window"
      let frequency = Text.hertz(rule.frequency(at: 1 - down))
      if isWhole({ $0 % label.columns }, of: label.columns) { return "at all times, \(frequency)" }
      if isWhole({ $0 / label.columns }, of: label.rows) { return "\(time), at all frequencies" }
      return "\(time) and \(frequency)"
    }
    let rows = ["top", "middle", "bottom"][min(Int(down * 3), 2)]
    let columns = ["left", "centre", "right"][min(Int(across * 3), 2)]
    return rows == "middle" && columns == "centre" ? "the centre" : "\(rows) \(columns)"
  }

  // MARK: Files

  /// All files of the report.
  ///
  /// - Throws: `ImageError` where a picture cannot be drawn.
  public func files() throws -> [OutputFolder.File] {
    let page = try page()
    return [
      .init(name: "survey.json", contents: Array((document.formatted + "\n").utf8)),
      .init(name: "survey.csv", contents: Array(csv.utf8)),
      .init(name: "survey.suspicious.csv", contents: Array(suspiciousCSV.utf8)),
      .init(name: "survey.html", contents: Array(try page.html().utf8)),
      .init(name: "survey.pdf", contents: try page.pdfData()),
    ]
  }

  /// The inputs that point at suspicious places: what training leaves out.
  private var suspiciousCSV: String {
    let lines = suspicious.flatMap { group in
      group.pointing.map { [run.inputs[$0], run.model.labels[group.label], placeName(group)] }
    }
    return Self.commaSeparated([["path", "label", "place"]] + lines)
  }

  private static func commaSeparated(_ lines: [[String]]) -> String {
    lines.map { $0.map(\.commaSeparatedValue).joined(separator: ",") + "\n" }.joined()
  }

  /// A line for every input and label: its group, and what is known of it.
  private var csv: String {
    var lines = [["input", "label", "group", "score", "inside", "suspicious", "outlier"]]
    for label in labels {
      let outliers = Set(label.outliers)
      let suspects = Set(label.groups.filter(\.isSuspicious).flatMap(\.pointing))
      for (number, group) in label.groups.enumerated() {
        for (picture, share) in zip(group.pictures, group.maps.shares) {
          lines.append([
            run.inputs[picture], run.model.labels[label.label], "\(number + 1)", "\(group.score)",
            "\(share)", suspects.contains(picture) ? "1" : "0",
            outliers.contains(picture) ? "1" : "0",
          ])
        }
      }
    }
    return Self.commaSeparated(lines)
  }

  /// A summary for the terminal.
  public var lines: [String] {
    let rows = labels.flatMap { label in
      label.groups.enumerated().map { number, group in
        [
          number == 0 ? Text.printable(run.model.labels[label.label]) : "",
          "\(number + 1)", "\(group.pictures.count)", placeName(group),
          NumberText.measure(group.maps.inside), NumberText.measure(group.maps.outside),
          NumberText.measure(group.effect), NumberText.measure(group.score),
          group.isSuspicious ? "look" : "",
        ]
      }
    }
    let header = [
      "label", "group", "inputs", "place", "inside", "outside", "effect", "score", "",
    ]
    return [
      "\(Text.printable(run.model.card.name)) on \(run.scope.split) of "
        + "\(Text.printable(run.data)) (\(run.scope.reason)): \(pictures) "
        + (pictures == 1 ? "input" : "inputs") + ", \(labels.count) "
        + (labels.count == 1 ? "label" : "labels")
    ]
      + TextTable.lines([header] + rows).map { "  \($0)" } + ["  " + advice]
      + notes.map { "  note: \(Text.printable($0))" }
  }

  /// Everything that is known.
  public var document: JSON {
    var members = InputDocument.header
    func add(_ name: String, _ value: JSON) { members.append(.init(name: name, value: value)) }
    add(
      "model",
      [
        "name": .string(run.model.card.name),
        "architecture": .string(run.model.card.architecture.rawValue),
        "sha256": .string(run.model.file.sha256),
      ])
    add("data", .string(run.data))
    add("split", .string(run.scope.split))
    add("splitReason", .string(run.scope.reason))
    add("method", .string(run.methods.first?.explainer.name ?? ""))
    add("inputs", .integer(pictures))
    add("seed", .integer(Int(clamping: run.request.explanations.seed)))
    add("alarm", .number(Self.alarm))
    add("advice", .string(advice))
    add("notes", .array(notes.map(JSON.string)))
    add("labels", .array(labels.map(json)))
    add(
      "unread",
      .array(unread.map { ["path": .string($0.path), "reason": .string($0.reason)] }))
    return .object(members)
  }

  private func json(_ label: Label) -> JSON {
    [
      "label": .string(run.model.labels[label.label]),
      "index": .integer(label.label),
      "inputs": .integer(label.count),
      "rows": .integer(label.rows),
      "columns": .integer(label.columns),
      "eigenvalues": .array(label.eigenvalues.map(JSON.number)),
      "groups": .array(label.groups.map(json)),
      "outliers": .array(label.outliers.map { .string(run.inputs[$0]) }),
    ]
  }

  private func json(_ group: Group) -> JSON {
    [
      "inputs": .array(group.pictures.map { .string(run.inputs[$0]) }),
      "pointing": .array(group.pointing.map { .string(run.inputs[$0]) }),
      "place": .string(placeName(group)),
      "cells": .array(
        group.maps.place.indices.filter { group.maps.place[$0] }.map(JSON.integer)),
      "mean": .array(group.maps.mean.map(JSON.number)),
      "area": .number(group.maps.area),
      "inside": .number(group.maps.inside),
      "outside": .number(group.maps.outside),
      "likeness": .number(group.maps.likeness),
      "fixedness": .number(group.maps.fixedness),
      "selectivity": .number(group.maps.selectivity),
      "effect": group.effect.map(JSON.number) ?? .null,
      "effectElsewhere": group.effectElsewhere.map(JSON.number) ?? .null,
      "score": .number(group.score),
      "suspicious": .bool(group.isSuspicious),
    ]
  }
}
