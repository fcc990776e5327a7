internal import PrismTensor

/// A recording with the walk back from its output written down after it, as operations like any
/// other: whoever computes a recording fast computes gradients fast.
///
/// The values of the recording keep their identifiers. Operations of the walk back read of the
/// forward pass only what their pullback needs.
package struct ReversedRecording {
  /// The forward pass and the walks back.
  package let recording: Recording
  /// The inputs that take those of the evaluation that is compared with.
  package let references: [ValueID]
  /// The inputs that take the cotangents of the output, one for each walk.
  package let cotangents: [ValueID]
  /// The gradients at the target, one for each walk.
  package let gradients: [ValueID]
  /// The cotangents of what is watched, of the first walk.
  package let watched: [ValueID]

  /// Writes down walks back, or `nil` where the output does not depend on the target.
  ///
  /// - Parameters:
  ///   - recording: The forward pass.
  ///   - output: Where the walks begin.
  ///   - target: Where they end.
  ///   - count: How many there are, each with a cotangent of its own.
  ///   - isGuided: Whether rectifiers follow the rule of guided backpropagation.
  ///   - watched: Values between both whose cotangents are wanted too.
  package init?(
    _ recording: Recording, of output: ValueID, at target: ValueID, count: Int,
    isGuided: Bool = false, watching watched: [ValueID] = []
  ) {
    var writer = ReverseWriter(
      recording, of: output, at: [target] + watched, rule: .derivative(isGuided: isGuided))
    self.init(&writer, of: output, at: target, count: count, watching: watched)
  }

  /// Writes down walks back that divide relevance, or `nil` where the output does not depend on the
  /// input.
  ///
  /// - Parameters:
  ///   - recording: The forward pass, with one input and one output. What is written comes after a
  ///     recording of its own, whose values have no names.
  ///   - composite: The rules of layers with weights.
  ///   - count: How many walks there are, each with a cotangent of its own.
  ///   - mostFloats: The most numbers of weights that are made of the model's for the rules; `nil`
  ///     where they are more.
  /// - Throws: `OutOfMemoryError` where there is no room for merged weights.
  package init?(
    _ recording: Recording, dividing composite: RelevanceComposite, count: Int, mostFloats: Int
  ) throws {
    let divided = try recording.dividingRelevance(composite)
    let divisions = RelevanceDivisions(divided)
    guard divisions.madeWeights <= mostFloats else { return nil }
    let forward = divided.replacing { ($0 as? RelevanceStep)?.base ?? $0 }
    let (input, output) = (forward.inputs[0], forward.outputs[0])
    var writer = ReverseWriter(forward, of: output, at: [input], rule: .relevance(divisions))
    self.init(&writer, of: output, at: input, count: count)
  }

  /// Writes down walks back to the input that find DeepLIFT's multipliers, after a second forward
  /// pass for the evaluation that is compared with; `nil` where the output does not depend on the
  /// input.
  ///
  /// - Parameters:
  ///   - recording: The forward pass, with one input and one output.
  ///   - count: How many walks there are, each with a cotangent of its own.
  package init?(comparing recording: Recording, count: Int) {
    let (input, output) = (recording.inputs[0], recording.outputs[0])
    let second = SecondPass(recording, of: output)
    let both = recording.appending(second.entries, again: second.originals)
    var writer = ReverseWriter(
      both, of: output, at: [input], rule: .multipliers(second.references))
    self.init(
      &writer, of: output, at: input, count: count,
      references: [second.references[input] ?? input])
  }

  private init?(
    _ writer: inout ReverseWriter, of output: ValueID, at target: ValueID, count: Int,
    watching: [ValueID] = [], references: [ValueID] = []
  ) {
    var cotangents: [ValueID] = []
    var gradients: [ValueID] = []
    var watched: [ValueID] = []
    for walk in 0..<count {
      let cotangent = writer.add(.input, writer.recording[output].shape)
      let found = writer.walk(from: cotangent)
      guard let gradient = found[target] else { return nil }
      cotangents.append(cotangent)
      gradients.append(gradient)
      guard walk == 0 else { continue }
      watched = watching.compactMap { found[$0] }
      guard watched.count == watching.count else { return nil }
    }
    recording = writer.recording.appending(writer.entries)
    self.references = references
    self.cotangents = cotangents
    self.gradients = gradients
    self.watched = watched
  }
}
