public import PrismAutodiff
public import PrismRuntime
public import PrismTensor

/// Two labels of which one is explained against the other: the difference of their logits.
public struct Contrast: Sendable, Hashable, Codable {
  /// The index of the logit that is explained.
  public let index: Int
  /// The index of the logit that is subtracted.
  public let rival: Int

  /// Makes a contrast.
  ///
  /// - Parameters:
  ///   - index: The index of the logit that is explained.
  ///   - rival: The index of the logit that is subtracted.
  public init(_ index: Int, against rival: Int) {
    self.index = index
    self.rival = rival
  }
}

/// A classifier that ends in differences of logits.
protocol ContrastingClassifier: Classifier {
  /// The differences, in the order of the outputs behind the logits.
  var contrasts: [Contrast] { get }
}

/// A classifier with one further output for every contrast, behind the logits: so every method and
/// measure takes a contrast for a label.
///
/// The number of output `K + i`, where K is the number of logits, is the difference of the logits of
/// contrast i. Its probability is the sigmoid of that: the probability of the one label where only
/// the two are possible.
public struct ContrastedClassifier<Base: Classifier>: ContrastingClassifier {
  private let base: Base
  /// The differences, in the order of the outputs behind the logits.
  public let contrasts: [Contrast]

  /// Makes the classifier.
  ///
  /// - Parameters:
  ///   - base: Computes the logits.
  ///   - contrasts: What is made of them.
  public init(_ base: Base, contrasts: [Contrast]) {
    self.base = base
    self.contrasts = contrasts
  }

  /// The shape of one image, `[1, H, W, C]`.
  public var inputShape: Shape { base.inputShape }

  /// The logits of a batch of images and their differences, `[N, H, W, C]` to `[N, K + contrasts]`.
  ///
  /// - Throws: What the classifier throws; `UnknownOutputError` where a contrast has no logit.
  public func logits(_ images: Tensor) throws -> Tensor { try extended(base.logits(images)) }

  /// The logits of images that are composed one by one, and their differences.
  ///
  /// - Throws: What the classifier throws; `UnknownOutputError` where a contrast has no logit.
  public func logits(
    count: Int, composing compose: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
  ) throws -> Tensor {
    try extended(base.logits(count: count, composing: compose))
  }

  /// The classifier for many images that differ from a known one in a part, with the differences.
  ///
  /// - Throws: What the classifier throws.
  public func near(_ image: Tensor) throws -> any Classifier {
    try base.near(image).contrastingOutputs(contrasts)
  }

  /// The classifier for a sequence of images of which each differs from the one before in a part,
  /// with the differences.
  ///
  /// - Throws: What the classifier throws.
  public func inSequence() throws -> any Classifier {
    try base.inSequence().contrastingOutputs(contrasts)
  }

  /// Rows of logits with their differences.
  private func extended(_ logits: Tensor) throws(UnknownOutputError) -> Tensor {
    guard logits.shape.rank == 2 else { return logits }
    let (rows, labels) = (logits.shape[0], logits.shape[1])
    for index in contrasts.flatMap({ [$0.index, $0.rival] }) where !(0..<labels).contains(index) {
      throw UnknownOutputError(index: index, count: labels)
    }
    let columns = labels + contrasts.count
    return logits.withUnsafePointer { logits in
      Tensor(uninitialized: [rows, columns]) { target in
        for row in 0..<rows {
          let (source, target) = (logits + row * labels, target + row * columns)
          target.update(from: source, count: labels)
          for (i, contrast) in contrasts.enumerated() {
            target[labels + i] = source[contrast.index] - source[contrast.rival]
          }
        }
      }
    }
  }
}

extension ContrastedClassifier: DifferentiableClassifier where Base: DifferentiableClassifier {
  /// The layer that the CAM family explains unless told otherwise.
  public var defaultLayer: String { base.defaultLayer }
  /// The number of logits and contrasts.
  public var outputCount: Int { base.outputCount + contrasts.count }

  /// The shape of a named value for one image, or `nil` where there is no such value.
  public func shape(of name: String) -> Shape? { base.shape(of: name) }

  /// Computes of an image what is needed to go on from a named value.
  ///
  /// - Throws: What the classifier throws.
  public func forward(_ pass: ForwardPass, to name: String?) throws -> ForwardPass {
    try base.forward(pass, to: name)
  }

  /// Walks back from logits and differences of logits to a named value, for several images.
  ///
  /// - Throws: What the classifier throws; `UnknownOutputError` where there is no such contrast.
  public func backward(
    from targets: [LogitTarget], to name: String?, passes: [ForwardPass], rule: any BackwardRule
  ) throws -> [BackwardPass] {
    let labels = base.outputCount
    let known = try targets.map { target in
      LogitTarget(
        try target.terms.flatMap { term in
          guard term.index >= labels else { return [term] }
          guard contrasts.indices.contains(term.index - labels) else {
            throw UnknownOutputError(index: term.index, count: outputCount)
          }
          let contrast = contrasts[term.index - labels]
          return [
            LogitTarget.Term(contrast.index, weight: term.weight),
            LogitTarget.Term(contrast.rival, weight: -term.weight),
          ]
        })
    }
    return try base.backward(from: known, to: name, passes: passes, rule: rule).map { pass in
      BackwardPass(
        value: pass.value, cotangents: pass.cotangents, logits: try pass.logits.map(extended))
    }
  }

  /// The logits of one image with a named value replaced by others, and their differences.
  ///
  /// - Throws: What the classifier throws; `UnknownOutputError` where a contrast has no logit.
  public func logits(
    count: Int, at name: String, of pass: ForwardPass,
    replacing replace: (Int, inout Tensor) -> Void
  ) throws -> Tensor {
    try extended(base.logits(count: count, at: name, of: pass, replacing: replace))
  }
}

extension ContrastedClassifier: DescentClassifier where Base: DescentClassifier {
  /// The logits of images that descend from a known one, and their differences.
  ///
  /// - Throws: What the classifier throws; `UnknownOutputError` where a contrast has no logit.
  public func logits(
    of images: Range<Int>, kinship: (Int) -> Kinship?,
    composing compose: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
  ) throws -> Tensor {
    try extended(base.logits(of: images, kinship: kinship, composing: compose))
  }
}

extension DifferentiableClassifier {
  /// The classifier with outputs for contrasts; itself where there are none.
  ///
  /// - Parameter contrasts: The differences of logits.
  /// - Returns: A classifier whose further outputs are the differences.
  public func contrasting(_ contrasts: [Contrast]) -> any DifferentiableClassifier {
    contrasts.isEmpty ? self : ContrastedClassifier(self, contrasts: contrasts)
  }
}

extension Classifier {
  /// The classifier with outputs for contrasts; itself where there are none.
  ///
  /// - Parameter contrasts: The differences of logits.
  /// - Returns: A classifier whose further outputs are the differences.
  public func contrastingOutputs(_ contrasts: [Contrast]) -> any Classifier {
    contrasts.isEmpty ? self : ContrastedClassifier(self, contrasts: contrasts)
  }
}
