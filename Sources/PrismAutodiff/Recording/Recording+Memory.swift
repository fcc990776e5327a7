internal import PrismTensor

extension Recording {
  /// The most floats that the computation of a value takes, the value included.
  func forwardSize(of id: ValueID, _ primitive: any Primitive) -> Int {
    let output = self[id].shape
    let inputs = operands(of: id).map { self[$0].shape }
    return 2 * output.count + primitive.scratchSize(inputs, output: output)
  }
}

extension EvaluatedOperation {
  /// The most floats that a walk back through the operation takes, with what it finds.
  var pullbackSize: Int {
    let inputs = values.inputs.map(\.shape)
    let output = values.output.shape
    let scratch = primitive.scratchSize(inputs, output: output)
    let wanted = zip(inputs, wanted).reduce(0) { $1.1 ? $0 + $1.0.count : $0 }
    let exact = 3 * wanted + 2 * output.count + scratch
    guard reference != nil else { return exact }
    // Half-way between two evaluations all values are computed anew, and differences are taken.
    return 2 * exact + inputs.reduce(0) { $0 + $1.count } + 3 * output.count + 3 * wanted
  }
}
