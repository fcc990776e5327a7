internal import PrismAutodiff
internal import PrismKernels
internal import Synchronization

/// How images near a known one are computed by a classifier: made once, by whoever asks first.
final class NearbyPlans: Sendable {
  private enum State {
    case unknown
    case none
    case made(Update, rest: Plan)
  }

  private let state = Mutex(State.unknown)

  /// The update of a recording and the plan that goes on from its end.
  ///
  /// - Parameters:
  ///   - recording: The recording, the same for every call.
  ///   - precision: How much rounding is allowed for speed.
  ///   - weights: The packed weights of the recording.
  ///   - kernels: What computes.
  /// - Returns: `nil` for a network of which even a small change reaches most.
  /// - Throws: `OutOfMemoryError` where there is no room for the packed weights; the next to ask
  ///   tries again.
  func found(
    _ recording: Recording, _ precision: Plan.Precision, _ weights: PackedWeights,
    _ kernels: Kernels
  ) throws -> (Update, rest: Plan)? {
    try state.withLock { state in
      switch state {
      case .none: return nil
      case .made(let update, let rest): return (update, rest)
      case .unknown:
        guard
          let update = try Update(
            recording, precision: precision, weights: weights, kernels: kernels)
        else {
          state = .none
          return nil
        }
        let rest = try Plan(
          recording, from: update.end, wanted: recording.outputs, precision: precision,
          weights: weights, kernels: kernels)
        state = .made(update, rest: rest)
        return (update, rest)
      }
    }
  }
}
