public import PrismRuntime
public import PrismTensor

/// The first principal component of a layer's activations: what the layer sees most of, whatever
/// the target.
///
/// The activations, a matrix of h·w rows and C columns, are centred by column and projected on
/// their first right singular vector. That vector's sign is arbitrary: here the map is flipped
/// where its minimum is larger in magnitude than its maximum. All targets get the same map.
/// Definition: Muhammad and Yeasin, "Eigen-CAM: Class Activation Map using Principal Components",
/// IJCNN 2020; the centring and the projection are those of the package pytorch-grad-cam.
public struct EigenCAM: ClassActivationMap {
  /// The method's name on the command line.
  public let name = "eigencam"
  /// The method's name as it is written in texts.
  public let title = "Eigen-CAM"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.layer], cost: "one forward pass",
    paper: "Muhammad and Yeasin, Eigen-CAM, IJCNN 2020")
  /// Which layer is looked at, and what of the map is kept.
  public let choice: LayerChoice

  /// Makes the method.
  public init(_ choice: LayerChoice) { self.choice = choice }

  /// Explains predictions for one image: one map for all targets.
  ///
  /// - Throws: ``ExplanationError`` where the layer has no rows and columns or its values are not
  ///   finite.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    let look = try LayerLook(
      image, targets: targets, layer: layer, of: classifier, work: work)
    let raw = map(activation: look.activation)
    return targets.map {
      finish(raw, target: $0, layer: look.name, image: image, evaluations: 1)
    }
  }

  /// The projection of the centred activations, `[1, h, w, C]`, on their first right singular
  /// vector: `[h, w]`.
  ///
  /// With `X = U S Vᵀ` the projection on the first column of V is `S₁ U₁`: the first eigenvector of
  /// `X Xᵀ`, which is of the size of the map, times the root of its eigenvalue.
  public func map(activation: Tensor) -> Tensor {
    let (h, w, channels) = (activation.shape[1], activation.shape[2], activation.shape[3])
    let rows = h * w
    let means = activation.channelSums { a, i in Double(a[i]) }.map { $0 / Double(rows) }
    let centred = activation.withUnsafePointer { a in
      (0..<rows * channels).map { Double(a[$0]) - means[$0 % channels] }
    }
    // Of the two Gram matrices the smaller one has the same non-zero eigenvalues.
    let isWide = rows <= channels
    let size = min(rows, channels)
    var gram = [Double](repeating: 0, count: size * size)
    for i in 0..<size {
      for j in 0...i {
        var sum = 0.0
        if isWide {
          for c in 0..<channels { sum += centred[i * channels + c] * centred[j * channels + c] }
        } else {
          for r in 0..<rows { sum += centred[r * channels + i] * centred[r * channels + j] }
        }
        gram[i * size + j] = sum
        gram[j * size + i] = sum
      }
    }
    guard let (value, vector) = largestEigenpair(of: gram, size: size), value > 0 else {
      return Tensor([h, w])
    }
    var map = (0..<rows).map { r in
      isWide
        ? vector[r] * value.squareRoot()
        : (0..<channels).reduce(0) { $0 + centred[r * channels + $1] * vector[$1] }
    }
    let (low, high) = (map.min() ?? 0, map.max() ?? 0)
    if -low > high { map = map.map { -$0 } }
    return Tensor([h, w], map.map(Float.init))
  }
}
