internal import Synchronization

extension WorkerPool {
  /// The results of tasks, in the order of the tasks.
  ///
  /// - Throws: The error of the first task that failed.
  public func map<Value: Sendable>(_ count: Int, _ task: (Int) throws -> Value) throws -> [Value] {
    let results = Mutex([Result<Value, any Error>?](repeating: nil, count: count))
    // Threads know nothing of the task that uses them.
    let memory = MemoryContext()
    run(tasks: count) { index, _ in
      let result = memory.within { Result { try task(index) } }
      results.withLock { $0[index] = result }
    }
    return try results.withLock { $0 }.compactMap { try $0?.get() }
  }
}
