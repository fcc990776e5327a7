internal import PrismAutodiff
public import PrismTensor

/// One image on its way through a classifier: the image, and what has been computed of it so far.
///
/// A prediction and the explanations of it are given the same pass, so that nothing is computed
/// twice. A pass belongs to the classifier that computed it: another one takes the image alone.
public struct ForwardPass: Sendable {
  /// Who has computed a pass; every classifier has one of its own.
  final class Owner: Sendable {}

  /// The image, `[1, H, W, C]`.
  public let image: Tensor
  /// The logits, `[1, K]`, where they have been computed.
  public let logits: Tensor?
  private let owner: Owner?
  private let values: [ValueID: Tensor]

  /// Makes the pass of an image of which nothing has been computed.
  ///
  /// - Parameter image: `[1, H, W, C]`.
  public init(_ image: Tensor) {
    self.init(image, logits: nil)
  }

  /// Makes the pass of an image whose logits alone are known.
  ///
  /// - Parameters:
  ///   - image: `[1, H, W, C]`.
  ///   - logits: `[1, K]`.
  public init(_ image: Tensor, logits: Tensor?) {
    self.image = image
    self.logits = logits
    owner = nil
    values = [:]
  }

  init(_ image: Tensor, logits: Tensor?, values: [ValueID: Tensor], of owner: Owner) {
    self.image = image
    self.logits = logits
    self.values = values
    self.owner = owner
  }

  /// The values that a classifier has computed of the image; none where the pass is another's.
  func values(of owner: Owner) -> [ValueID: Tensor] { self.owner === owner ? values : [:] }
}

/// What a walk back from logits found at a named value.
public struct BackwardPass: Sendable {
  /// The value itself.
  public let value: Tensor
  /// What the rule found, in the value's shape, for every logit: gradients by the exact rule.
  public let cotangents: [Tensor]
  /// The logits from which the walk began, `[1, K]`; `nil` where the classifier does not tell.
  public let logits: Tensor?

  /// Makes a result.
  ///
  /// - Parameters:
  ///   - value: The named value.
  ///   - cotangents: One tensor a logit, in the value's shape.
  ///   - logits: The logits from which the walk began.
  public init(value: Tensor, cotangents: [Tensor], logits: Tensor? = nil) {
    self.value = value
    self.cotangents = cotangents
    self.logits = logits
  }

  /// The same with what was found for further logits.
  func adding(_ cotangents: [Tensor]) -> BackwardPass {
    BackwardPass(value: value, cotangents: self.cotangents + cotangents, logits: logits)
  }
}
