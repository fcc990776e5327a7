internal import Prism

/// Work on several inputs that goes on past those that fail, and ends in good order where somebody
/// wants it to.
struct Batch {
  private let console: Console

  init(_ console: Console) {
    self.console = console
  }

  /// Works on every input; each failure is one line.
  ///
  /// After Ctrl-C the work on the input is cancelled and given a moment; then what it has kept is
  /// finished, and the rest is left.
  ///
  /// - Parameters:
  ///   - inputs: The inputs.
  ///   - compute: The work on one, given the one after it, which prints and writes nothing; it runs
  ///     on a thread of its own and keeps what is finished (`Running.keep`).
  ///   - finish: Writes and prints what was computed, in the order of the inputs.
  /// - Returns: How the process ends.
  func forEach<Value: Sendable>(
    _ inputs: InputList,
    compute:
      @escaping @Sendable (_ input: String, _ following: String?, _ running: Running<Value>)
      throws -> Value,
    finish: (_ input: String, _ value: Value) throws -> Void
  ) -> Status {
    let interruptions = console.interruptions
    interruptions.start()
    defer { interruptions.stop() }
    let progress = BatchProgress(
      console, count: inputs.files.count, seconds: BatchProgress.clock())
    var failures = 0
    for (path, error) in inputs.failures {
      failures += 1
      report(error, of: path)
    }
    for note in inputs.notes { console.report("prism: \(note)") }
    for (done, input) in inputs.files.enumerated() {
      if let interruption = interruptions.current() {
        return stopped(interruption, done: done, of: inputs.files.count)
      }
      progress.begin(input, after: done)
      let following = done + 1 < inputs.files.count ? inputs.files[done + 1] : nil
      let running = Running<Value>(
        progress: { progress.note($0) },
        stages: { progress.begin($0.name, $0.number, of: $0.count) })
      do {
        switch running.run(until: interruptions.current, { try compute(input, following, $0) }) {
        case .done(let value): try finish(input, value)
        case .failed(let error): throw error
        case .overdue(let error, let kept):
          if let kept { try finish(input, kept) }
          throw error
        case .interrupted(let interruption, let kept):
          if let kept { try finish(input, kept) }
          return stopped(
            interruption, done: done, of: inputs.files.count, partly: kept == nil ? nil : input)
        }
      } catch {
        failures += 1
        report(error, of: input)
      }
      // Nobody would see the results.
      if console.outputError != nil { return .failed }
    }
    console.endProgress()
    if failures == 0 { return .done }
    return failures == inputs.files.count + inputs.failures.count ? .failed : .someInputsFailed
  }

  private func report(_ error: any Error, of input: String) {
    console.endProgress()
    console.report("prism: \(Console.line("\(error)", about: input))")
  }

  private func stopped(
    _ interruption: Interruption, done: Int, of count: Int, partly input: String? = nil
  ) -> Status {
    console.endProgress()
    var text = "prism: interrupted; the results of \(done) of \(count) "
    text += count == 1 ? "input are written" : "inputs are written"
    if let input { text += ", and of \(input) those of the methods that were finished" }
    console.report(text)
    return interruption.status
  }
}
