internal import PrismAutodiff
internal import PrismKernels

/// Turns a recording into a program, by one pass after the other.
struct Compiler {
  let recording: Recording
  /// What is given: the recording's input, or values that all paths from there lead through.
  let given: [ValueID]
  let precision: Plan.Precision
  let kernels: Kernels
  let weights: PackedWeights
  /// Values whose sums over groups of images are wanted.
  var summed: [ValueID] = []
  /// The given value that depends on what is stored of all images.
  var meeting: ValueID?

  /// The program that computes some values.
  ///
  /// - Parameters:
  ///   - wanted: The values.
  ///   - storage: How values are stored; steps are joined only where they may share places.
  /// - Returns: Steps that do the same to every image, and the memory they need.
  /// - Throws: `OutOfMemoryError` where there is no room for the packed weights.
  func program(for wanted: [ValueID], storage: Storage = .shared) throws -> Program {
    let (operations, locations, lowering) = lowered(for: wanted)
    let drafts =
      storage != .shared
      ? lowering.drafts.map { $0.batchedForParts(kernels) }
      : Joining(
        lowering.drafts, operations: operations, wanted: wanted + summed, kernels: kernels
      ).joined
    try weights.pack(
      lowering.packing, recording: recording, kernels: kernels, pool: Workers.pool)
    return Placement(
      drafts, locations: locations, recording: recording,
      exchange: .init(given: given, wanted: wanted, summed: summed, meeting: meeting),
      storage: storage
    ).program(weights: weights, kernels: kernels)
  }

  /// The steps that compute some values, without weights and memory: what is computed, and how.
  func drafts(for wanted: [ValueID]) -> [Draft] { lowered(for: wanted).lowering.drafts }

  private func lowered(
    for wanted: [ValueID]
  ) -> (operations: [FusedOperation], locations: Locations, lowering: Lowering) {
    let operations = Fusion(recording, given: given, wanted: wanted, summed: summed).operations
    let locations = Locations(
      operations, recording: recording, given: given, wanted: wanted + summed)
    return (
      operations, locations,
      Lowering(operations, locations: locations, precision: precision, kernels: kernels)
    )
  }
}
