internal import Prism

/// What a worker has found out about an input.
enum WorkerOutcome: Sendable {
  /// Its explanations.
  case explanation(WorkerResult)
  /// The logits `[N, K]` of changed versions of it, with the digest of its bytes.
  case evaluation(digest: String, logits: Tensor)

  /// How often the model was evaluated.
  var evaluations: Int {
    switch self {
    case .explanation(let result): result.evaluations
    case .evaluation(_, let logits): logits.shape[0]
    }
  }
}
