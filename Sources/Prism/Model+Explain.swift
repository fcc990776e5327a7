internal import PrismKernels
internal import PrismMedia
internal import PrismRuntime

extension Model {
  /// Explains one label's number for a picture.
  ///
  /// - Parameters:
  ///   - image: The picture.
  ///   - explainer: The method.
  ///   - target: The label, from a ``Prediction`` of the same picture.
  ///   - work: Watches the method.
  /// - Returns: The explanation.
  /// - Throws: ``ModelError``, `ExplanationError`; `CancellationError` in a cancelled task.
  public func explain(
    _ image: Image, with explainer: any Explainer, target: Prediction.Entry,
    work: Work = .unwatched
  ) throws -> Explanation {
    try explain(image, with: explainer, targets: [target], work: work)
      .onlyOne(by: explainer)
  }

  /// Explains several labels' numbers for a picture, in one pass where the method allows.
  ///
  /// - Parameters:
  ///   - image: The picture.
  ///   - explainer: The method.
  ///   - targets: The labels, from a ``Prediction`` of the same picture.
  ///   - batch: The largest number of changed pictures that are computed at a time; the numbers are
  ///     the same for any.
  ///   - work: Watches the method.
  /// - Returns: One explanation a target, in the order of the targets.
  /// - Throws: ``ModelError``, `ExplanationError`; `CancellationError` in a cancelled task.
  public func explain(
    _ image: Image, with explainer: any Explainer, targets: [Prediction.Entry], batch: Int? = nil,
    work: Work = .unwatched
  ) throws -> [Explanation] {
    let explained = try admitting { self.explained(image) }
    return try explain(explained, with: explainer, targets: targets, batch: batch, work: work)
  }

  /// Explains several labels' numbers for a picture that ``explained(_:)-(Image)`` has made ready.
  ///
  /// Explaining the default layer of a picture that ``predict(_:)-(ExplainedImage)`` was given
  /// needs no second forward pass.
  ///
  /// - Parameters:
  ///   - image: The picture.
  ///   - explainer: The method.
  ///   - targets: The labels, from a ``Prediction`` of the same picture.
  ///   - batch: The largest number of changed pictures that are computed at a time; the numbers are
  ///     the same for any.
  ///   - work: Watches the method.
  /// - Returns: One explanation a target, in the order of the targets.
  /// - Throws: ``ModelError``, `ExplanationError`; `CancellationError` in a cancelled task.
  public func explain(
    _ image: ExplainedImage, with explainer: any Explainer, targets: [Prediction.Entry],
    batch: Int? = nil, work: Work = .unwatched
  ) throws -> [Explanation] {
    let contrasts = targets.contrasts
    return try explainer.explaining(targets, crop: card.input.image.crop) {
      try namingLayers {
        try Limits.current.bounding {
          let found = try Memory.expecting(floats: mapsSize(targets: targets.count)) {
            try explainer.explain(
              image, targets: targets.outputs(labels: labels.count),
              of: classifier(batch: batch).contrasting(contrasts), work: work)
          }
          // The logits may be finite where gradients, or products of them, are not.
          guard found.allSatisfy(\.values.isFinite) else {
            throw ExplanationError.notFinite(layer: "the map")
          }
          return found
        }
      }
    }
  }

  /// The most floats that a method takes for maps and changed pictures, beside what the network
  /// computes in.
  private func mapsSize(targets: Int) -> Int {
    let layer = classifier.shape(of: classifier.defaultLayer)?.count ?? 0
    return (16 + 4 * targets) * max(classifier.inputShape.count, layer)
  }

  /// Why a method cannot explain this model.
  ///
  /// - Parameters:
  ///   - method: The method.
  ///   - layer: The layer that is to be looked at; `nil` for the model's default.
  /// - Returns: The reason, or `nil` where the method fits.
  public func obstacle(to method: ExplanationMethod, layer: String? = nil) -> String? {
    method.obstacle(for: classifier, layer: layer)
  }

  /// What explainers ask, no more than so many pictures at a time.
  func classifier(batch: Int?) -> any DifferentiableClassifier {
    batch.map { BatchedClassifier(classifier, batch: $0) } ?? classifier
  }
}

extension Explainer {
  /// Times the method and puts what it found together with the labels.
  func explaining(
    _ targets: [Prediction.Entry], crop: CentreCrop?, _ body: () throws -> [Attribution]
  ) throws -> [Explanation] {
    let clock = ContinuousClock()
    let start = clock.now
    let attributions = try body()
    let seconds = (clock.now - start) / .seconds(1)
    return zip(targets, attributions).map { target, attribution in
      var attribution = attribution
      attribution.target = target.index
      if target.isFoundBelowZero, attribution.output == .logit {
        attribution.diagnostics.append(
          "the logit is negative though the label is found: where labels exclude each other only "
            + "differences of logits count; explain it against another label (one-vs-another)")
      }
      let parameters = parameters.map { parameter in
        attribution.layer.flatMap {
          parameter.name == "layer" ? MethodParameter("layer", .text($0)) : nil
        } ?? parameter
      }
      return Explanation(
        method: name, title: title, target: target, attribution: attribution,
        parameters: parameters, isInUnit: facts.unit == .explained, seconds: seconds, crop: crop)
    }
  }
}

extension [Prediction.Entry] {
  /// The contrasts among the targets, in their order.
  var contrasts: [Contrast] { compactMap(\.contrast) }

  /// The targets' places among the outputs of a classifier that ends in their ``contrasts``.
  func outputs(labels: Int) -> [Int] {
    var place = labels - 1
    return map { target in
      guard target.contrast != nil else { return target.index }
      place += 1
      return place
    }
  }
}

extension [Explanation] {
  /// The explanation of the one target that a method was given.
  func onlyOne(by explainer: any Explainer) throws -> Explanation {
    guard let explanation = first else {
      throw ExplanationError.unsuitable("\(explainer.name) explained nothing")
    }
    return explanation
  }
}
