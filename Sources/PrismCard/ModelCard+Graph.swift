public import PrismFiles

extension ModelCard {
  /// A network that is stated node by node, in the order of computation.
  ///
  /// What a node computes is told by the name of a primitive and its attributes; this module knows
  /// neither. Activations are channels last, `[N, H, W, C]`.
  public struct Graph: Sendable, Equatable {
    /// The most nodes that are read.
    public static let nodeLimit = 20_000
    /// The most inputs that a node may have.
    public static let operandLimit = 256

    /// The nodes, each after what it reads.
    public var nodes: [Node]
    /// The node whose value the head is given, `[N, H, W, C]`; the logits `[N, K]` where the head is
    /// empty.
    public var output: String

    /// Makes a graph; ``ModelCard/validate(file:limits:)`` tells whether it makes sense.
    public init(nodes: [Node], output: String) {
      self.nodes = nodes
      self.output = output
    }

    /// One operation.
    public struct Node: Sendable, Equatable {
      /// The name of its value.
      public var name: String
      /// What it computes, such as `convolution`.
      public var primitive: String
      /// What it reads: `input`, earlier nodes and tensors of the file, by name.
      public var inputs: [String]
      /// The parameters of the primitive.
      public var attributes: [JSON.Member]

      /// Makes a node.
      public init(
        name: String, primitive: String, inputs: [String], attributes: [JSON.Member] = []
      ) {
        self.name = name
        self.primitive = primitive
        self.inputs = inputs
        self.attributes = attributes
      }
    }
  }
}

extension ModelCard.Graph {
  init(_ field: CardField) throws(CardError) {
    let nodes = try field["nodes"].elements()
    guard nodes.count <= Self.nodeLimit else {
      throw field["nodes"].failure("has \(nodes.count) nodes, more than \(Self.nodeLimit)")
    }
    self.init(
      nodes: try nodes.map { node throws(CardError) in try Node(node) },
      output: try field["output"].string())
  }

  var json: JSON {
    .object([
      .init(name: "nodes", value: .array(nodes.map(\.json))),
      .init(name: "output", value: .string(output)),
    ])
  }

  /// Checks names, and that every node reads something and is read; `tensors` of the file are not
  /// known yet.
  func validate(_ check: CardCheck, heads: Set<String>) throws(CardError) {
    var known: Set<String> = ["input"]
    try check(!nodes.isEmpty, "graph.nodes", "lists no node")
    for (i, node) in nodes.enumerated() {
      let path = "graph.nodes[\(i)]"
      try check.text(node.name, "\(path).name")
      let label = "\(path) (\(Text.quoted(node.name)))"
      try check(
        node.name != "logits" && !heads.contains(node.name), label,
        "has a name that another value of the network has")
      try check(known.insert(node.name).inserted, label, "has the name of an earlier node")
      try check(
        (1...Self.operandLimit).contains(node.inputs.count), label,
        "has \(node.inputs.count) inputs, not 1 to \(Self.operandLimit)")
    }
    try check(
      output != "input" && known.contains(output), "graph.output",
      "is \(Text.quoted(output)), which is no node")
    let read = Set(nodes.flatMap(\.inputs) + [output])
    for (i, node) in nodes.enumerated() where !read.contains(node.name) {
      throw check.failure(
        "graph.nodes[\(i)] (\(Text.quoted(node.name)))", "is read by no other node")
    }
  }
}

extension ModelCard.Graph.Node {
  fileprivate init(_ field: CardField) throws(CardError) {
    self.init(
      name: try field["name"].string(), primitive: try field["primitive"].string(),
      inputs: try field["inputs"].elements().map { input throws(CardError) in
        try input.string()
      },
      attributes: try field["attributes"].optional?.members() ?? [])
  }

  fileprivate var json: JSON {
    var members: [JSON.Member] = [
      .init(name: "name", value: .string(name)),
      .init(name: "primitive", value: .string(primitive)),
      .init(name: "inputs", value: .array(inputs.map(JSON.string))),
    ]
    if !attributes.isEmpty { members.append(.init(name: "attributes", value: .object(attributes))) }
    return .object(members)
  }
}
