public import PrismAutodiff
public import PrismTensor

/// A classifier that runs a recording as it stands.
public struct RecordedClassifier: DifferentiableClassifier {
  /// The recording of one image's forward pass.
  public let recording: Recording
  /// The layer that the CAM family explains unless told otherwise.
  public let defaultLayer: String
  private let aliases: [String: String]

  /// Makes a classifier from the recording of one image's forward pass, from `[1, H, W, C]` to `[1, K]`.
  ///
  /// - Parameters:
  ///   - recording: Has one input and one output.
  ///   - defaultLayer: The layer that the CAM family explains unless told otherwise.
  ///   - aliases: Further names of named values.
  public init(_ recording: Recording, defaultLayer: String, aliases: [String: String] = [:]) {
    self.recording = recording
    self.defaultLayer = defaultLayer
    self.aliases = aliases
  }

  /// The shape of one image, `[1, H, W, C]`.
  public var inputShape: Shape { recording[recording.inputs[0]].shape }

  /// The shape of a named value for one image, or `nil` where there is no such value.
  public func shape(of name: String) -> Shape? {
    value(name).map { recording[$0].shape }
  }

  /// The logits of a batch of images, `[N, H, W, C]` to `[N, K]`.
  ///
  /// - Throws: `EvaluationError` where the images have another shape than the recording's input.
  public func logits(_ images: Tensor) throws -> Tensor {
    let count = images.shape[0]
    let rows = try (0..<count).map { try recording(images.slice($0))[0] }
    return Tensor.stacking(rows)
  }

  /// A named value and the gradients of logits at it, for one image.
  ///
  /// - Throws: ``UnknownValueError``, `EvaluationError`.
  public func gradients(
    of targets: [Int], at name: String, image: Tensor
  ) throws -> (value: Tensor, gradients: [Tensor]) {
    guard let layer = value(name) else { throw UnknownValueError(name: name) }
    let (input, output) = (recording.inputs[0], recording.outputs[0])
    let start = recording.boundary(from: [layer], to: output)
    let known = try recording.evaluate(start + [layer], given: [input: image])
    guard let activation = known[layer] else { throw UnknownValueError(name: name) }
    let gradients = try targets.map { target in
      var cotangent = Tensor(recording[output].shape)
      cotangent[0, target] = 1
      let result = try recording.gradient(
        of: output, cotangent: cotangent, at: [layer], given: known)
      return result[layer] ?? Tensor(activation.shape)
    }
    return (activation, gradients)
  }

  private func value(_ name: String) -> ValueID? {
    recording.value(named: aliases[name] ?? name)
  }
}

/// A name that no value of a model has.
public struct UnknownValueError: Error, Equatable, CustomStringConvertible {
  /// The name.
  public let name: String

  /// One line that says what is wrong.
  public var description: String { "the model has no value called \(name)" }
}
