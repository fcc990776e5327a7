internal import Prism

/// What a method looks at: a picture, or the spectrogram of a window of a sound.
struct ExplainedView: Sendable {
  /// As the network takes it.
  let image: ExplainedImage
  /// As people see it: the picture, or the spectrogram with low frequencies at the bottom.
  let picture: Image
  /// What the model says about the view.
  let prediction: Prediction
  /// The labels that are explained, with the numbers of the view.
  let targets: [Prediction.Entry]
  /// For every label the region that is known to be right, `[H, W]` as the network sees it.
  let truths: [Tensor?]
  /// The explained part of a sound.
  let window: Hearing.Window?
  /// How a sound becomes a picture.
  let rule: AudioPreparation?

  /// The strongest parts of a picture that a map of it points at; `nil` for a sound.
  func regions(of explanation: Explanation) -> [PictureRegion]? {
    window == nil ? explanation.regions(in: picture) : nil
  }

  /// The explained part of a sound, in seconds.
  var times: ClosedRange<Double>? { window.map { $0.start...$0.end } }

  /// What is added to the names of files where a label is explained in several windows, such as
  /// `.2.00s`.
  var suffix: String { window.map { ".\(NumberText.time($0.start))s" } ?? "" }

  /// Which part of a sound it is, in words.
  var name: String? {
    window.map {
      "\(NumberText.time($0.start)) to \(NumberText.time($0.end)) s"
    }
  }

  /// What the axes of a spectrogram show.
  var axes: FigureAxes? {
    guard let times, let rule else { return nil }
    return rule.axes(of: times, height: picture.height)
  }

  /// The region that is known to be right, of all labels together, as people see it.
  var outline: Tensor? {
    let known = truths.compactMap { $0 }
    guard let first = known.first else { return nil }
    let values = known.dropFirst().reduce(first.scalars) { zip($0, $1.scalars).map(max) }
    return upright(Tensor(first.shape, values))
  }

  /// A map as people see it.
  func upright(_ map: Tensor) -> Tensor { rule?.upright(map) ?? map }

  /// The segment of every pixel, as people see it.
  func upright(_ segmentation: Segmentation) -> [Int32] {
    guard let rule else { return segmentation.labels }
    let map = Tensor(
      [segmentation.height, segmentation.width], segmentation.labels.map { Float($0) })
    return rule.upright(map).scalars.map { Int32($0) }
  }
}
