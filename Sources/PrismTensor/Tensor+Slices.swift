extension Tensor {
  /// One element along the first axis, with that axis kept: `[N, …]` to `[1, …]`.
  ///
  /// - Precondition: `0 ≤ index < shape[0]`.
  public func slice(_ index: Int) -> Tensor {
    precondition(index >= 0 && index < shape[0], "\(index) is outside the first axis of \(shape)")
    if shape[0] == 1 { return self }
    let result = shape.replacing(axis: 0, with: 1)
    return withUnsafePointer { source in
      Tensor(uninitialized: result) {
        $0.update(from: source + index * result.count, count: result.count)
      }
    }
  }

  /// Tensors of one shape after another along their first axis.
  ///
  /// - Precondition: There is at least one tensor, and all have one shape but for the first axis.
  public static func stacking(_ tensors: [Tensor]) -> Tensor {
    if tensors.count == 1 { return tensors[0] }
    let length = tensors.reduce(0) { $0 + $1.shape[0] }
    return Tensor(uninitialized: tensors[0].shape.replacing(axis: 0, with: length)) { target in
      var next = target
      for tensor in tensors {
        precondition(
          tensor.shape.replacing(axis: 0, with: 1) == tensors[0].shape.replacing(axis: 0, with: 1),
          "cannot stack \(tensor.shape) on \(tensors[0].shape)")
        tensor.withUnsafePointer { next.update(from: $0, count: tensor.count) }
        next += tensor.count
      }
    }
  }
}
