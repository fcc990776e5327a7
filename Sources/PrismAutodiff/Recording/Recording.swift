public import PrismTensor

/// Names one value of a ``Recording``.
public struct ValueID: Hashable, Sendable, Comparable {
  /// The position of the value in ``Recording/values``.
  public let index: Int

  package init(index: Int) {
    self.index = index
  }

  /// Whether one value was recorded before another.
  public static func < (a: ValueID, b: ValueID) -> Bool { a.index < b.index }
}

/// What a model did, written down while its forward pass ran on shapes: a list of primitives on
/// values.
///
/// A recording holds no activations. Its readers compute: ``evaluate(_:given:)`` runs it as it
/// stands, ``gradient(of:cotangent:at:given:rule:)`` differentiates it, and a plan (module
/// `PrismRuntime`) runs it fast.
public struct Recording: Sendable {
  /// Where a value comes from.
  public enum Origin: Sendable {
    /// Given at every evaluation.
    case input
    /// A tensor of the model, such as a weight.
    case parameter(Tensor)
    /// Computed by a primitive from earlier values.
    case computed(any Primitive, [ValueID])
  }

  /// One value: where it comes from and its shape.
  public struct Entry: Sendable {
    /// Where the value comes from.
    public let origin: Origin
    /// The value's shape.
    public let shape: Shape

    package init(origin: Origin, shape: Shape) {
      self.origin = origin
      self.shape = shape
    }
  }

  /// A value's name, such as `features.18`.
  public struct Name: Sendable {
    /// The name.
    public let name: String
    /// The value that has it.
    public let value: ValueID
  }

  /// Every value, in the order of computation.
  public let values: [Entry]
  /// The values that an evaluation must be given.
  public let inputs: [ValueID]
  /// The values that the forward pass returned.
  public let outputs: [ValueID]
  /// The names of computed values and parameters, in the order of computation; a value may have
  /// several.
  public let names: [Name]
  private let index: [String: ValueID]
  /// The operands of every value: walks through the graph look at nothing else.
  private let operandLists: [[ValueID]]
  /// The values that others compute again of other numbers.
  private var originals: [ValueID: ValueID] = [:]

  /// Records a forward pass on inputs of the given shapes.
  ///
  /// - Parameters:
  ///   - shapes: The shape of every input.
  ///   - body: The forward pass: applies layers and operations to values and returns the outputs.
  /// - Throws: The first ``ShapeError`` that an operation met.
  public init(inputs shapes: [Shape], _ body: ([Value]) -> [Value]) throws(ShapeError) {
    let recorder = Recorder()
    for shape in shapes where !shape.isValid {
      throw ShapeError("input", [shape], "every extent must be at least 1")
    }
    let inputs = shapes.map { recorder.add(.input, $0) }
    let outputs = body(inputs)
    if outputs.contains(where: { $0.recorder !== recorder }) { recorder.failForeign(outputs) }
    if let error = recorder.error { throw error }
    values = recorder.entries
    self.inputs = inputs.map(\.id)
    self.outputs = outputs.map(\.id)
    names = recorder.names
    index = recorder.index
    operandLists = recorder.entries.map(Self.operands)
  }

  private static func operands(of entry: Entry) -> [ValueID] {
    if case .computed(_, let operands) = entry.origin { operands } else { [] }
  }

  /// Records a forward pass with one input and one output.
  ///
  /// - Throws: The first ``ShapeError`` that an operation met.
  public init(input shape: Shape, _ body: (Value) -> Value) throws(ShapeError) {
    try self.init(inputs: [shape]) { [body($0[0])] }
  }

  private init(_ other: Recording, values: [Entry]) {
    self.values = values
    inputs = other.inputs
    outputs = other.outputs
    names = other.names
    index = other.index
    operandLists = other.operandLists
    originals = other.originals
  }

  /// The same forward pass followed by further values, which have no names.
  ///
  /// - Parameters:
  ///   - entries: Inputs, and what is computed from values before each; not checked.
  ///   - originals: The values that entries compute again of other numbers, by these entries.
  /// - Returns: A recording in which all values of this one have their identifiers, with the same
  ///   inputs and outputs.
  package func appending(
    _ entries: [Entry], again originals: [ValueID: ValueID] = [:]
  ) -> Recording {
    var recording = Recording(self, appending: entries)
    recording.originals.merge(originals) { $1 }
    return recording
  }

  /// The value that another computes again of other numbers, with the same tensors of the model; the
  /// value itself unless it does so.
  package func original(of id: ValueID) -> ValueID { originals[id] ?? id }

  private init(_ other: Recording, appending entries: [Entry]) {
    values = other.values + entries
    inputs = other.inputs
    outputs = other.outputs
    names = other.names
    index = other.index
    operandLists = other.operandLists + entries.map(Self.operands)
    originals = other.originals
  }

  /// The same forward pass by other operations, whose outputs have the same shapes.
  ///
  /// - Parameter transform: The operation in the place of another; not checked.
  /// - Returns: A recording in which all values have their identifiers.
  func replacing(_ transform: (any Primitive) -> any Primitive) -> Recording {
    Recording(
      self,
      values: values.map { entry in
        guard case .computed(let primitive, let operands) = entry.origin else { return entry }
        return Entry(origin: .computed(transform(primitive), operands), shape: entry.shape)
      })
  }

  /// The same forward pass with other tensors in the place of named parameters.
  ///
  /// - Parameter replacements: Tensors by the names of parameters; other names are ignored.
  /// - Returns: A recording with the same values and names.
  /// - Throws: ``ShapeError`` where a tensor does not have the parameter's shape.
  public func replacing(_ replacements: [String: Tensor]) throws(ShapeError) -> Recording {
    var values = values
    for (name, tensor) in replacements {
      guard let id = index[name], case .parameter = values[id.index].origin else { continue }
      guard tensor.shape == values[id.index].shape else {
        throw ShapeError(
          "replacing \(name)", [tensor.shape],
          "the parameter has the shape \(values[id.index].shape)")
      }
      values[id.index] = Entry(origin: .parameter(tensor), shape: tensor.shape)
    }
    return Recording(self, values: values)
  }

  /// The value with a name, or `nil` where no value has it.
  public func value(named name: String) -> ValueID? { index[name] }

  /// Every value's identifier, in the order of computation.
  public var ids: [ValueID] { values.indices.map(ValueID.init(index:)) }

  /// The entry of a value.
  public subscript(id: ValueID) -> Entry { values[id.index] }

  /// The floating-point operations of one forward pass (a multiply-add counts two).
  public var flops: Int {
    values.reduce(0) { total, entry in
      guard case .computed(let primitive, let inputs) = entry.origin else { return total }
      return total + primitive.flops(inputs.map { self[$0].shape }, output: entry.shape)
    }
  }

  /// The values that a value is computed from.
  package func operands(of id: ValueID) -> [ValueID] { operandLists[id.index] }

  /// The primitive that computes a value, or `nil` for inputs and parameters.
  package func primitive(of id: ValueID) -> (any Primitive)? {
    guard case .computed(let primitive, _) = self[id].origin else { return nil }
    return primitive
  }

  /// The tensor of a parameter, or `nil` for other values.
  package func parameter(_ id: ValueID) -> Tensor? {
    guard case .parameter(let tensor) = self[id].origin else { return nil }
    return tensor
  }

  /// The names of parameters by their values.
  package var parameterNames: [ValueID: String] {
    var result: [ValueID: String] = [:]
    for name in names where isParameter(name.value) && result[name.value] == nil {
      result[name.value] = name.name
    }
    return result
  }

  /// Whether a value is a tensor of the model.
  package func isParameter(_ id: ValueID) -> Bool { parameter(id) != nil }
}

/// A value while a forward pass is being recorded.
///
/// Operations on values are its methods, one in each file under `Operations`. A value that results
/// from an error has an empty shape; the recording reports the first error when the forward pass
/// has ended, so that models need no error handling of their own.
public struct Value {
  /// The value's place in the recording.
  public let id: ValueID
  /// The value's shape; activations are `[N, H, W, C]`.
  public let shape: Shape
  fileprivate let recorder: Recorder

  /// The value of a model's tensor under its name; the same value where the name and the shape were
  /// used before.
  public func parameter(_ tensor: Tensor, named name: String) -> Value {
    recorder.parameter(tensor, named: name)
  }

  /// The value that a primitive computes from this value and others.
  public func applying(_ primitive: some Primitive, _ others: [Value] = []) -> Value {
    recorder.apply(primitive, [self] + others)
  }

  /// Gives the value a name under which it can be listed, read and differentiated.
  ///
  /// - Returns: The value itself.
  @discardableResult
  public func named(_ name: String) -> Value {
    recorder.name(self, name)
    return self
  }

  /// Stops the recording with an error that the model found itself.
  public func failing(_ error: ShapeError) -> Value {
    recorder.fail(error)
  }
}

private final class Recorder {
  var entries: [Recording.Entry] = []
  var names: [Recording.Name] = []
  var index: [String: ValueID] = [:]
  var error: ShapeError?

  func add(_ origin: Recording.Origin, _ shape: Shape) -> Value {
    entries.append(Recording.Entry(origin: origin, shape: shape))
    return Value(id: ValueID(index: entries.count - 1), shape: shape, recorder: self)
  }

  func parameter(_ tensor: Tensor, named name: String) -> Value {
    if let id = index[name], case .parameter = entries[id.index].origin,
      entries[id.index].shape == tensor.shape
    {
      return Value(id: id, shape: entries[id.index].shape, recorder: self)
    }
    let value = add(.parameter(tensor), tensor.shape)
    self.name(value, name)
    return value
  }

  func apply(_ primitive: any Primitive, _ inputs: [Value]) -> Value {
    let shapes = inputs.map(\.shape)
    guard error == nil else { return add(.input, []) }
    guard inputs.allSatisfy({ $0.recorder === self }) else { return failForeign(inputs) }
    do throws(ShapeError) {
      let shape = try primitive.outputShape(shapes)
      guard shape.isValid else {
        throw ShapeError(primitive.name, shapes, "the output would have the shape \(shape)")
      }
      return add(.computed(primitive, inputs.map(\.id)), shape)
    } catch {
      return fail(error)
    }
  }

  func fail(_ error: ShapeError) -> Value {
    if self.error == nil { self.error = error }
    return add(.input, [])
  }

  @discardableResult
  func failForeign(_ values: [Value]) -> Value {
    fail(ShapeError("recording", values.map(\.shape), "a value belongs to another recording"))
  }

  func name(_ value: Value, _ name: String) {
    guard error == nil else { return }
    if index[name] != nil {
      error = ShapeError("naming", [value.shape], "two values are called \(name)")
    }
    index[name] = value.id
    names.append(Recording.Name(name: name, value: value.id))
  }
}
