internal import Synchronization

/// The threads that all plans of the process share.
package enum Workers {
  private struct State {
    var count: Int?
    var pool: WorkerPool?
  }

  private static let state = Mutex(State())
  private static let defaultCount = WorkerPool.defaultWorkerCount()

  /// The number of threads; as many as the process may run on unless set.
  ///
  /// Results are the same bits for any number.
  package static var count: Int {
    get { state.withLock { $0.count } ?? defaultCount }
    set {
      state.withLock { state in
        state.count = max(1, newValue)
        state.pool = nil
      }
    }
  }

  /// The pool with that many threads, started when first asked for.
  package static var pool: WorkerPool {
    state.withLock { state in
      if let pool = state.pool { return pool }
      let pool = WorkerPool(workerCount: state.count ?? defaultCount)
      state.pool = pool
      return pool
    }
  }
}
