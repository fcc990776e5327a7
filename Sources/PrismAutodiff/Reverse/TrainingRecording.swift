/// A recording with the walk back from its output to tensors of the model written down after it, as
/// operations like any other.
package struct TrainingRecording: Sendable {
  /// The forward pass and the walk back.
  package let recording: Recording
  /// The input that takes the cotangent of the output.
  package let cotangent: ValueID
  /// The values that are the gradients by parameters, but for those of ``folded``.
  package let gradients: [ValueID: ValueID]
  /// The gradients by the parameters of convolutions with normalisations after them.
  package let folded: [FoldedGradient]

  /// Writes down the walk back, or `nil` where the output depends on none of the parameters.
  ///
  /// - Parameters:
  ///   - recording: The forward pass.
  ///   - output: Where the walk begins.
  ///   - parameters: The tensors of the model by which gradients are wanted.
  package init?(_ recording: Recording, of output: ValueID, by parameters: [ValueID]) {
    var writer = ReverseWriter(
      recording, of: output, at: parameters, rule: .derivative(isGuided: false),
      readsOutputs: true)
    cotangent = writer.add(.input, recording[output].shape)
    gradients = writer.walk(from: cotangent)
    folded = writer.folded
    guard !gradients.isEmpty || !folded.isEmpty else { return nil }
    self.recording = recording.appending(writer.entries)
  }

  /// The values whose sums over images make the gradients.
  package var sums: [ValueID] {
    gradients.values.sorted() + folded.flatMap { [$0.weight, $0.sum] }
  }
}
