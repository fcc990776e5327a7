package import PrismAutodiff
package import PrismCard
internal import PrismFiles
package import PrismTensor

/// A recording written as the nodes of a graph card, with the tensors that they read.
package struct GraphRecording {
  /// The nodes.
  package let graph: ModelCard.Graph
  /// The tensors that the nodes read, by name.
  package let tensors: [String: Tensor]
  /// The further names of values, each with the name of its node.
  package let aliases: [String: String]

  /// Writes a recording of one input and one output.
  ///
  /// - Parameter recording: Made of Prism's own primitives, for a batch of one.
  /// - Throws: ``PrimitiveCodingError`` where it cannot be written.
  package init(_ recording: Recording) throws(PrimitiveCodingError) {
    guard let input = recording.inputs.first, let output = recording.outputs.first,
      recording.inputs.count == 1, recording.outputs.count == 1
    else { throw PrimitiveCodingError(reason: "the recording needs one input and one output") }
    var names: [ValueID: String] = recording.parameterNames
    names[input] = Network.inputName
    var aliases: [String: String] = [:]
    for name in recording.names where name.value != input {
      if let first = names[name.value] {
        if !recording.isParameter(name.value) { aliases[name.name] = first }
      } else {
        names[name.value] = name.name
      }
    }
    var (nodes, tensors): ([ModelCard.Graph.Node], [String: Tensor]) = ([], [:])
    for id in recording.ancestors(of: [output]) {
      if let tensor = recording.parameter(id), let name = names[id] { tensors[name] = tensor }
      guard let primitive = recording.primitive(of: id) else { continue }
      guard let coding = PrimitiveCoding.encode(Self.withoutBatch(primitive)) else {
        throw PrimitiveCodingError(
          reason: "\(primitive.name) is an operation of a program's own, which no card can state")
      }
      let name = names[id] ?? "\(coding.name)_\(id.index)"
      names[id] = name
      nodes.append(
        .init(
          name: name, primitive: coding.name,
          inputs: recording.operands(of: id).compactMap { names[$0] },
          attributes: coding.attributes))
    }
    graph = ModelCard.Graph(nodes: nodes, output: names[output] ?? "")
    self.tensors = tensors
    self.aliases = aliases
  }

  /// The primitive as it is for any batch.
  private static func withoutBatch(_ primitive: any Primitive) -> any Primitive {
    guard let reshape = primitive as? Reshape, reshape.shape.rank > 0, reshape.shape[0] == 1 else {
      return primitive
    }
    return Reshape(shape: reshape.shape.replacing(axis: 0, with: 0))
  }
}
