public import PrismTensor

/// One operation on tensors: its shape rule, its value, its pullback, its nature, its reach and its
/// cost.
///
/// A primitive is a small value that holds the operation's parameters (a stride, an epsilon) and
/// nothing else; weights are inputs like any other. Each lives in a file of its own under
/// `Operations`, with the method of ``Value`` that records it.
public protocol Primitive: Sendable {
  /// The operation's name as it is shown to people, such as `convolution`.
  var name: String { get }

  /// The shape of the output for inputs of the given shapes.
  ///
  /// - Throws: ``ShapeError`` where the operation does not accept such inputs.
  func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape

  /// The output for inputs of a shape that the operation accepts.
  func forward(_ inputs: [Tensor]) -> Tensor

  /// The cotangents of the inputs for a cotangent of the output (the vector-Jacobian product).
  ///
  /// - Parameters:
  ///   - cotangent: Has the shape of the output.
  ///   - inputs: What ``forward(_:)`` was given.
  ///   - output: What ``forward(_:)`` returned.
  ///   - wanted: Which inputs' cotangents are needed; the others are not computed.
  /// - Returns: One entry an input, in the input's shape; `nil` where it is not wanted or has no
  ///   derivative.
  func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?]

  /// What the operation is to the rules that walk back through it.
  var nature: Nature { get }

  /// Which part of the output a part of the input changes.
  var reach: Reach { get }

  /// The floating-point operations of ``forward(_:)`` (a multiply-add counts two).
  func flops(_ inputs: [Shape], output: Shape) -> Int

  /// The most floats that ``forward(_:)`` or ``pullback(_:inputs:output:wanted:)`` takes beside the
  /// tensors that it is given and returns, and twice those that it returns.
  func scratchSize(_ inputs: [Shape], output: Shape) -> Int
}

extension Primitive {
  /// None, unless stated.
  public func scratchSize(_ inputs: [Shape], output: Shape) -> Int { 0 }
}

/// Inputs that an operation cannot take.
public struct ShapeError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The operation's name.
  public let operation: String
  /// The shapes it was given.
  public let inputs: [Shape]
  /// What it demands.
  public let reason: String

  /// Makes an error that says what an operation demands.
  public init(_ operation: String, _ inputs: [Shape], _ reason: String) {
    self.operation = operation
    self.inputs = inputs
    self.reason = reason
  }

  /// One line with the operation, the shapes and the reason.
  public var description: String {
    let shapes = inputs.map(\.description).joined(separator: ", ")
    return "\(operation) cannot take \(shapes): \(reason)"
  }
}

extension Primitive {
  /// Throws unless there are as many inputs as one of the given counts.
  func expect(_ counts: ClosedRange<Int>, _ inputs: [Shape]) throws(ShapeError) {
    guard counts.contains(inputs.count) else {
      throw ShapeError(name, inputs, "needs \(counts.lowerBound) to \(counts.upperBound) inputs")
    }
  }

  /// Throws unless one input has the given rank.
  func expect(rank: Int, ofInput index: Int, _ inputs: [Shape]) throws(ShapeError) {
    guard inputs[index].rank == rank else {
      throw ShapeError(name, inputs, "input \(index) must have rank \(rank)")
    }
  }
}
