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

  /// The explained part of a sound, in seconds.
  var times: ClosedRange<Double>? { window.map { $0.start...$0.end } }

  /// What is added to the names of files where a label is explained in several windows, such as `.2.00s`.
  var suffix: String { window.map { ".\(NumberText.fixed($0.start, digits: 2))s" } ?? "" }

  /// Which part of a sound it is, in words.
  var name: String? {
    window.map {
      "\(NumberText.fixed($0.start, digits: 2)) to \(NumberText.fixed($0.end, digits: 2)) s"
    }
  }

  /// What the axes of a spectrogram show, in words.
  var axes: String? {
    guard let name, let rule else { return nil }
    let (low, high) = (Int(rule.frequency(at: 0).rounded()), Int(rule.frequency(at: 1).rounded()))
    return "from left to right \(name), upwards \(low) to \(high) Hz in mel bands"
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
