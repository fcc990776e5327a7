internal import PrismKernels
internal import PrismRuntime

/// How a layer's value becomes a vector.
public enum LayerVector: String, Sendable, CaseIterable, Codable {
  /// All of its numbers, place by place.
  case flat
  /// The mean of each channel over rows and columns, whatever the place.
  case pooled
}

extension Model {
  /// How many inputs' values are computed at a time.
  private static let group = 16

  /// What explainers look at for a file: a picture, or of a sound the first window that is not
  /// silent.
  ///
  /// - Parameter path: The path of a file of the kind that the model takes.
  /// - Returns: The network's input, and the colours behind it.
  /// - Throws: `ImageError`, `SoundError` where the file cannot be used.
  public func explained(contentsOf path: String) throws -> ExplainedImage {
    guard card.input.audio != nil else {
      let image = try Image(contentsOf: path)
      return try admitting { explained(image) }
    }
    return try explained(firstOf: try Sound(contentsOf: path), name: path)
  }

  /// What explainers look at for the contents of a file, as ``explained(contentsOf:)`` has it.
  ///
  /// - Parameters:
  ///   - bytes: The contents, of the kind that the model takes.
  ///   - name: What errors call them.
  /// - Returns: The network's input, and the colours behind it.
  /// - Throws: `ImageError`, `SoundError` where the contents cannot be used.
  public func explained(decoding bytes: [UInt8], name: String) throws -> ExplainedImage {
    guard card.input.audio != nil else {
      let image = try Image(decoding: bytes, name: name)
      return try admitting { explained(image) }
    }
    return try explained(firstOf: try Sound(decoding: bytes, name: name), name: name)
  }

  private func explained(firstOf sound: Sound, name: String) throws -> ExplainedImage {
    let rule = try audioPreparation()
    guard let window = try rule.windows(of: sound).first(where: { !$0.isSilent }) else {
      throw SoundError.silent(name)
    }
    return try admitting { try explained(window.sound, by: rule) }
  }

  /// What a layer computes of inputs.
  ///
  /// - Parameters:
  ///   - layer: The layer's name; `nil` for the model's default.
  ///   - inputs: Each `[1, H, W, C]`, as the network takes them.
  ///   - vector: How the values become vectors.
  ///   - work: Is told of every group of inputs.
  /// - Returns: For every input the layer's value, in the layer's shape, or `[C]` where it is
  ///   pooled.
  /// - Throws: ``ModelError``; `CancellationError` in a cancelled task.
  public func values(
    at layer: String? = nil, for inputs: [Tensor], as vector: LayerVector = .flat,
    work: Work = .unwatched
  ) throws -> [Tensor] {
    try looks(at: layer, targets: [], inputs, as: vector, work: work).map(\.value)
  }

  /// How fast logits grow with what a layer computes of inputs.
  ///
  /// - Parameters:
  ///   - targets: The indices of the logits.
  ///   - layer: The layer's name; `nil` for the model's default.
  ///   - inputs: Each `[1, H, W, C]`, as the network takes them.
  ///   - vector: How the values become vectors; of a pooled one all places move alike.
  ///   - work: Is told of every group of inputs.
  /// - Returns: For every target the gradients for the inputs, each in the shape of the vectors.
  /// - Throws: ``ModelError``; `CancellationError` in a cancelled task.
  public func gradients(
    of targets: [Int], at layer: String? = nil, for inputs: [Tensor],
    as vector: LayerVector = .flat, work: Work = .unwatched
  ) throws -> [[Tensor]] {
    try gradients(of: targets, contrasts: [], at: layer, for: inputs, as: vector, work: work)
  }

  /// The same for outputs of which some are contrasts, behind the logits.
  func gradients(
    of targets: [Int], contrasts: [Contrast], at layer: String?, for inputs: [Tensor],
    as vector: LayerVector, work: Work
  ) throws -> [[Tensor]] {
    let looks = try looks(
      at: layer, targets: targets, contrasts: contrasts, inputs, as: vector, work: work)
    return targets.indices.map { t in looks.map { $0.gradients[t] } }
  }

  private func looks(
    at layer: String?, targets: [Int], contrasts: [Contrast] = [], _ inputs: [Tensor],
    as vector: LayerVector, work: Work
  ) throws -> [(value: Tensor, gradients: [Tensor])] {
    let name = layer ?? card.layers.default
    guard let shape = classifier.shape(of: name) else {
      throw ModelError.unknownLayer(name, nearest: Text.nearest(to: name, among: layerNames))
    }
    work.plan(inputs.count)
    let asked = classifier.contrasting(contrasts)
    let kept = vector == .pooled ? shape.dimensions.last ?? 1 : shape.count
    return try Limits.current.bounding {
      try Memory.expecting(
        floats: inputs.count * kept * max(targets.count, 1) + Self.group * shape.count
      ) {
        var looks: [(value: Tensor, gradients: [Tensor])] = []
        for first in stride(from: 0, to: inputs.count, by: Self.group) {
          let part = inputs[first..<min(first + Self.group, inputs.count)]
          let found = try asked.backward(
            from: targets, to: name, passes: part.map { ForwardPass($0) }, rule: ExactRule())
          for look in found {
            guard look.value.isFinite, look.cotangents.allSatisfy(\.isFinite) else {
              throw ExplanationError.notFinite(layer: name)
            }
            // Of gradients the values are not wanted.
            looks.append(
              targets.isEmpty
                ? (vector(look.value, isMean: true), [])
                : (Tensor([1]), look.cotangents.map { vector($0, isMean: false) }))
          }
          try work.did(part.count)
        }
        return looks
      }
    }
  }

  /// What the model says of inputs on average: the prediction of their mean logits.
  ///
  /// - Parameter inputs: Each `[1, H, W, C]`; at least one.
  /// - Returns: The prediction.
  /// - Throws: ``ModelError``.
  package func prediction(ofMean inputs: [Tensor]) throws -> Prediction {
    var sums = [Double](repeating: 0, count: labels.count)
    for first in stride(from: 0, to: inputs.count, by: Self.group) {
      let part = Array(inputs[first..<min(first + Self.group, inputs.count)])
      for (index, logit) in try logits(Tensor.stacking(part)).scalars.enumerated() {
        sums[index % labels.count] += Double(logit)
      }
    }
    return try prediction(ofLogits: sums.map { Float($0 / Double(max(inputs.count, 1))) })
  }
}

extension LayerVector {
  /// A layer's value, or a gradient at it, as a vector.
  fileprivate func callAsFunction(_ value: Tensor, isMean: Bool) -> Tensor {
    guard self == .pooled, value.shape.rank == 4 else { return value }
    let channels = value.shape[3]
    var sums = [Double](repeating: 0, count: channels)
    unsafe value.withUnsafeBufferPointer { values in
      for index in values.indices { unsafe sums[index % channels] += Double(values[index]) }
    }
    let count = isMean ? Double(value.count / channels) : 1
    return Tensor([channels], sums.map { Float($0 / count) })
  }
}
