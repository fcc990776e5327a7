internal import PrismAutodiff
internal import PrismCard
internal import PrismFiles
internal import PrismTensor
internal import PrismWeights

/// A network that its card states node by node: the recording is replayed from the card.
struct GraphBase: ConvolutionalBase {
  /// One operand of a node.
  private enum Operand: Sendable {
    case input
    case node(Int)
    case tensor(Tensor, name: String)
  }

  private struct Node: Sendable {
    let name: String
    let primitive: any Primitive
    let operands: [Operand]
  }

  private let nodes: [Node]
  private let output: Int

  /// Reads the primitives of the card and takes the tensors that they read.
  ///
  /// - Parameters:
  ///   - graph: As its card was validated.
  ///   - reader: At the root of the model's names.
  /// - Throws: `CardError` with the node that is not understood; `WeightError` where a tensor cannot
  ///   be taken.
  init(_ graph: ModelCard.Graph, _ reader: WeightReader) throws {
    let places = Dictionary(uniqueKeysWithValues: graph.nodes.enumerated().map { ($1.name, $0) })
    var nodes: [Node] = []
    for (i, node) in graph.nodes.enumerated() {
      func failure(_ reason: String) -> CardError {
        .invalid(
          file: reader.source, field: "graph.nodes[\(i)] (\(Text.quoted(node.name)))",
          reason: reason)
      }
      guard reader.shape(of: node.name) == nil else {
        throw failure("has the name of a tensor of the file")
      }
      let primitive: any Primitive
      do {
        primitive = try PrimitiveCoding.decode(node.primitive, node.attributes)
      } catch {
        throw failure(error.reason)
      }
      let operands = try node.inputs.map { name -> Operand in
        if name == Network.inputName { return .input }
        if let place = places[name] {
          guard place < i else {
            throw failure("reads \(Text.quoted(name)), which is computed later")
          }
          return .node(place)
        }
        guard let shape = reader.shape(of: name) else {
          throw failure(
            "reads \(Text.quoted(name)), which is neither an earlier node nor a tensor")
        }
        return .tensor(try reader.take(name, shape), name: name)
      }
      nodes.append(Node(name: node.name, primitive: primitive, operands: operands))
    }
    self.nodes = nodes
    output = places[graph.output] ?? nodes.count - 1
  }

  func callAsFunction(_ x: Value) -> Value {
    var values: [Value] = []
    values.reserveCapacity(nodes.count)
    for node in nodes {
      let operands = node.operands.map { operand in
        switch operand {
        case .input: x
        case .node(let place): values[place]
        case .tensor(let tensor, let name): x.parameter(tensor, named: name)
        }
      }
      if let error = misfit(of: node, operands.map(\.shape), batch: x.shape[0]) {
        return x.failing(error)
      }
      values.append(
        operands[0].applying(node.primitive, Array(operands.dropFirst())).named(node.name))
    }
    return values[output]
  }

  /// Why a node cannot take what it reads; `nil` where it can.
  private func misfit(of node: Node, _ shapes: [Shape], batch: Int) -> ShapeError? {
    let label = "node \(Text.quoted(node.name)) (\(node.primitive.name))"
    do throws(ShapeError) {
      let shape = try node.primitive.outputShape(shapes)
      guard shape.isValid, shape.count <= Limits.current[.elements] else {
        throw ShapeError(label, shapes, "it would have \(shape), more elements than the limit")
      }
      guard shape.rank > 0, shape[0] == batch else {
        throw ShapeError(label, shapes, "it would have \(shape), whose first axis is no batch")
      }
      return nil
    } catch {
      return ShapeError(label, shapes, error.reason)
    }
  }
}
