/// What methods of the CAM family choose: which layer is looked at, and what of the map is kept.
public struct LayerChoice: Sendable {
  /// The name of the layer to explain; `nil` for the model's default.
  public var layer: String?
  /// Whether negative values of the map are cut off.
  public var isRectified: Bool

  /// Makes a choice.
  public init(layer: String? = nil, isRectified: Bool = true) {
    self.layer = layer
    self.isRectified = isRectified
  }
}
