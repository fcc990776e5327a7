internal import PrismAutodiff
internal import PrismKernels

/// Turns a recording into a program, by one pass after the other.
struct Compiler {
  let recording: Recording
  let precision: Plan.Precision
  let kernels: Kernels
  let weights: PackedWeights

  /// The program that computes some values.
  ///
  /// - Throws: `OutOfMemoryError` where there is no room for the packed weights.
  func program(for wanted: [ValueID]) throws -> Program {
    let operations = Fusion(
      recording, wanted: wanted, vectorWidth: kernels.vectorWidth
    ).operations
    let locations = Locations(operations, recording: recording, wanted: wanted)
    let lowering = Lowering(
      operations, locations: locations, precision: precision, kernels: kernels)
    let joining = Joining(
      lowering.drafts, operations: operations, wanted: wanted, kernels: kernels)
    try weights.pack(
      lowering.packing, recording: recording, kernels: kernels, pool: Workers.pool)
    return Placement(joining.joined, locations: locations, recording: recording, wanted: wanted)
      .program(weights: weights, kernels: kernels)
  }
}
