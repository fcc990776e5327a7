internal import Prism

/// Draws small maps over the pictures they are about; pictures are read again one by one.
struct Panels {
  /// The longer side of a thumbnail.
  private static let side = 144

  let run: JudgeRun
  private let maps: [MapPlace: SmallMap]
  private var seen: [Int: ExplanationPipeline.Scene] = [:]

  init(_ run: JudgeRun, maps: [MapPlace: SmallMap]) {
    self.run = run
    self.maps = maps
  }

  /// A map over its picture; `nil` where either is not there any more.
  mutating func thumbnail(_ place: MapPlace, captions: [String]) throws -> Report.Thumbnail? {
    guard let map = maps[place], let scene = scene(place.picture),
      let view = scene.views.first(where: { $0.targets.contains { $0.index == place.label } }),
      let target = view.targets.first(where: { $0.index == place.label })
    else { return nil }
    let picture = view.picture.fitting(Self.side)
    let area =
      view.window == nil ? run.model.card.input.image.area(of: view.picture) : .whole
    let region = run.truths.flatMap { truths in
      try? run.region(target, in: view, of: scene.input, truths)
    }
    return Report.Thumbnail(
      try Overlay().draw(map.tensor, over: picture, in: area), outline: region.map(view.upright),
      area: area, captions: captions)
  }

  /// What the model sees of a picture; `nil` where it is not there any more.
  mutating func scene(_ picture: Int) -> ExplanationPipeline.Scene? {
    if let known = seen[picture] { return known }
    let sample = run.samples[picture]
    let scene = try? run.scene(of: sample, ReportInput(contentsOf: sample.path))
    // Few pictures are the best or the worst of several methods; more are not kept.
    if seen.count > 16 { seen.removeAll() }
    seen[picture] = scene
    return scene
  }
}

extension Panels {
  /// By how much the logarithm of a label's odds falls when a place of an input is filled in, from its
  /// rim and with the mean of everything else: odds, as a probability near 1 hardly falls however
  /// much evidence goes, and both, as the rim of a place within a mark is a part of the mark.
  ///
  /// - Parameters:
  ///   - label: The label's index.
  ///   - picture: The number of the picture; of a sound the explained window counts.
  ///   - place: Not zero where it is filled in, of any size, as people see it.
  /// - Returns: Below 0 where it rises; `nil` where the picture is not there any more.
  /// - Throws: `ExplanationError`, `ModelError`.
  mutating func falls(
    of label: Int, in picture: Int, without place: Tensor
  ) throws -> [Double]? {
    guard let scene = scene(picture),
      let view = scene.views.first(where: { $0.targets.contains { $0.index == label } }),
      let target = view.targets.first(where: { $0.index == label })
    else { return nil }
    var (height, width) = (view.image.input.shape[1], view.image.input.shape[2])
    if view.rule?.hasFramesAsRows == true { swap(&height, &width) }
    let (rows, columns) = (place.shape[0], place.shape[1])
    let upright = Tensor(
      [height, width],
      (0..<height * width).map { p in
        place[p / width * rows / height, p % width * columns / width]
      })
    let region = view.rule?.turned(upright) ?? upright
    return try [view.image.filled(where: region), view.image.levelled(where: region)].map { image in
      var image = image
      let after = try run.model.predict(&image).entries[label].probability
      return Self.logOdds(target.probability) - Self.logOdds(after)
    }
  }

  private static func logOdds(_ probability: Double) -> Double {
    let bounded = min(max(probability, 1e-9), 1 - 1e-9)
    return logarithm(bounded / (1 - bounded))
  }
}
