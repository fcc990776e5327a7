public import PrismTensor

/// Changed versions of an image as data: so that they can be counted, replayed, and sent to where
/// they are evaluated.
///
/// What stands in the place of what is hidden is a ``Masker``'s matter; ``PerturbedImages`` puts
/// the two together.
public enum PerturbationSet: Sendable, Equatable, Codable {
  /// Segments are kept that are on in a sample.
  case coalitions(samples: Coalitions, segmentation: Segmentation)
  /// One box a sample is hidden; an empty box hides nothing.
  case windows(hidden: [PixelBox])
  /// What lies in some boxes is kept.
  case boxes(kept: [[PixelBox]])
  /// Pixels go, or come, in an order.
  case removal(steps: PixelRemoval)
  /// The image shines through soft masks.
  case softMasks(masks: SoftMasks)
  /// The image shines through masks of rectangles.
  case gridMasks(masks: GridMasks)
  /// The image shines through the channels of a value `[1, h, w, C]`, each enlarged (corners on
  /// corners) and scaled to the range from 0 to 1, with 1e-8 added to the range.
  case channels(value: Tensor)

  /// The number of images.
  public var count: Int {
    switch self {
    case .coalitions(let samples, _): samples.count
    case .windows(let hidden): hidden.count
    case .boxes(let kept): kept.count
    case .removal(let steps): steps.count
    case .softMasks(let masks): max(masks.count, 0)
    case .gridMasks(let masks): masks.values.count
    case .channels(let value): value.shape.rank == 4 ? value.shape[3] : 0
    }
  }
}
