/// A dense array of `Float` in row-major order, with value semantics.
///
/// Copies share storage until one of them is written to. Activations are channels-last (`[N, H, W,
/// C]`); convolution weights are `[O, I / groups, kH, kW]`.
public struct Tensor: Sendable {
  /// The extent of every axis, outermost first.
  public private(set) var shape: Shape
  @usableFromInline var storage: Storage

  /// Makes a tensor whose elements all have one value.
  public init(_ shape: Shape, repeating value: Float = 0) {
    self.init(shape) { $0.update(repeating: value) }
  }

  /// Makes a tensor from its elements in row-major order.
  ///
  /// - Precondition: `scalars.count == shape.count`.
  public init(_ shape: Shape, _ scalars: [Float]) {
    precondition(
      scalars.count == shape.count, "\(scalars.count) scalars do not fill the shape \(shape)")
    self.init(shape) { target in
      for i in scalars.indices { target[i] = scalars[i] }
    }
  }

  /// Makes a tensor of rank 0.
  public init(_ scalar: Float) {
    self.init([], [scalar])
  }

  @usableFromInline
  init(shape: Shape, storage: Storage) {
    self.shape = shape
    self.storage = storage
  }

  /// Makes a tensor and lets a closure write every element.
  ///
  /// - Parameters:
  ///   - shape: The shape of the new tensor.
  ///   - initialize: Receives memory with undefined contents and must write all of it.
  @inlinable
  public init(
    _ shape: Shape, initialize: (UnsafeMutableBufferPointer<Float>) throws -> Void
  ) rethrows {
    self.init(shape: shape, storage: Storage(uninitialized: shape.count))
    try initialize(UnsafeMutableBufferPointer(start: storage.pointer, count: storage.count))
  }

  /// Makes a tensor and lets a closure write every element through a pointer.
  ///
  /// - Parameters:
  ///   - shape: The shape of the new tensor.
  ///   - write: Receives memory for `shape.count` elements with undefined contents and must write
  ///     all of it.
  @inlinable
  public init(
    uninitialized shape: Shape, _ write: (UnsafeMutablePointer<Float>) throws -> Void
  ) rethrows {
    self.init(shape: shape, storage: Storage(uninitialized: shape.count))
    try write(storage.pointer)
  }

  /// Makes a tensor over memory that belongs to somebody else, without copying it.
  ///
  /// - Parameters:
  ///   - pointer: The first element; the memory must not change while `owner` lives.
  ///   - shape: The shape of the new tensor.
  ///   - owner: Kept alive as long as any tensor refers to the memory.
  public init(
    borrowing pointer: UnsafePointer<Float>, shape: Shape, owner: any AnyObject & Sendable
  ) {
    self.shape = shape
    storage = Storage(borrowing: pointer, count: shape.count, owner: owner)
  }

  /// The number of elements.
  public var count: Int { storage.count }

  /// The elements in row-major order, as a new array.
  public var scalars: [Float] {
    withUnsafeBufferPointer { Array($0) }
  }

  /// The element at the given index along every axis.
  public subscript(indices: Int...) -> Float {
    get { storage.pointer[offset(indices)] }
    set {
      let offset = offset(indices)
      withUnsafeMutableBufferPointer { $0[offset] = newValue }
    }
  }

  /// The same elements under another shape; no copy is made.
  ///
  /// - Precondition: `shape.count == count`.
  public func reshaped(to shape: Shape) -> Tensor {
    precondition(shape.count == count, "cannot reshape \(self.shape) to \(shape)")
    var copy = self
    copy.shape = shape
    return copy
  }

  /// Calls a closure with the elements in row-major order.
  @inlinable
  public func withUnsafeBufferPointer<Result, Failure: Error>(
    _ body: (UnsafeBufferPointer<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeBufferPointer(start: storage.pointer, count: storage.count))
  }

  /// Calls a closure that may write the elements; storage that is shared or borrowed is copied
  /// first.
  @inlinable
  public mutating func withUnsafeMutableBufferPointer<Result, Failure: Error>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    makeUnique()
    return try body(UnsafeMutableBufferPointer(start: storage.pointer, count: storage.count))
  }

  /// Calls a closure with the address of the first element.
  @inlinable
  public func withUnsafePointer<Result, Failure: Error>(
    _ body: (UnsafePointer<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafePointer(storage.pointer))
  }

  /// Calls a closure that may write through the address of the first element; storage that is
  /// shared or borrowed is copied first.
  @inlinable
  public mutating func withUnsafeMutablePointer<Result, Failure: Error>(
    _ body: (UnsafeMutablePointer<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    makeUnique()
    return try body(storage.pointer)
  }

  @usableFromInline
  mutating func makeUnique() {
    if storage.isBorrowed || !isKnownUniquelyReferenced(&storage) { storage = storage.copy() }
  }

  private func offset(_ indices: [Int]) -> Int {
    precondition(indices.count == shape.rank, "\(indices.count) indices for rank \(shape.rank)")
    var result = 0
    for (axis, index) in indices.enumerated() {
      precondition(
        index >= 0 && index < shape[axis], "index \(index) outside axis \(axis) of \(shape)")
      result = result * shape[axis] + index
    }
    return result
  }
}

extension Tensor: Equatable {
  /// Whether two tensors have one shape and equal elements (`-0 == 0`, and NaN equals nothing).
  public static func == (a: Tensor, b: Tensor) -> Bool {
    a.shape == b.shape
      && a.withUnsafeBufferPointer { x in b.withUnsafeBufferPointer { x.elementsEqual($0) } }
  }
}

extension Tensor: CustomStringConvertible {
  /// The shape and the first few elements.
  public var description: String {
    let shown = scalars.prefix(6).map { "\($0)" }.joined(separator: ", ")
    return "Tensor \(shape) [\(shown)\(count > 6 ? ", …" : "")]"
  }
}
