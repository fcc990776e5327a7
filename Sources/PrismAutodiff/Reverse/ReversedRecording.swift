package import PrismTensor

/// A recording with the walk back from its output written down after it, as operations like any
/// other: whoever computes a recording fast computes gradients fast.
///
/// The values of the recording keep their identifiers. Operations of the walk back read of the
/// forward pass only what their pullback needs.
package struct ReversedRecording {
  /// The forward pass and the walks back.
  package let recording: Recording
  /// The inputs that take the cotangents of the output, one for each walk.
  package let cotangents: [ValueID]
  /// The gradients at the target, one for each walk.
  package let gradients: [ValueID]

  /// Writes down walks back, or `nil` where the output does not depend on the target.
  ///
  /// - Parameters:
  ///   - recording: The forward pass.
  ///   - output: Where the walks begin.
  ///   - target: Where they end.
  ///   - count: How many there are, each with a cotangent of its own.
  ///   - isGuided: Whether rectifiers follow the rule of guided backpropagation.
  package init?(
    _ recording: Recording, of output: ValueID, at target: ValueID, count: Int,
    isGuided: Bool = false
  ) {
    var writer = ReverseWriter(recording, of: output, at: [target], isGuided: isGuided)
    var cotangents: [ValueID] = []
    var gradients: [ValueID] = []
    for _ in 0..<count {
      let cotangent = writer.add(.input, recording[output].shape)
      guard let gradient = writer.walk(from: cotangent)[target] else { return nil }
      cotangents.append(cotangent)
      gradients.append(gradient)
    }
    self.recording = recording.appending(writer.entries)
    self.cotangents = cotangents
    self.gradients = gradients
  }
}
