internal import Prism

/// Work on several inputs that goes on past those that fail, and ends in good order where somebody
/// wants it to.
struct Batch {
  private let console: Console
  private let abreast: Int

  /// - Parameters:
  ///   - console: Where failures and progress are told.
  ///   - abreast: How many inputs are worked on at a time; with more than one, each computes on the
  ///     thread that it has, and the one that is finished is written beside them.
  init(_ console: Console, abreast: Int = 1) {
    self.console = console
    self.abreast = max(abreast, 1)
  }

  /// Works on every input; each failure is one line.
  ///
  /// After Ctrl-C the work on the inputs is cancelled and given a moment; then what it has kept is
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
    var failures = 0
    // Whether something of an input that failed was done.
    var isPartlyDone = false
    for (path, error) in inputs.failures {
      failures += 1
      report(error, of: path)
    }
    for note in inputs.notes { console.report("prism: \(note)") }
    let progress = BatchProgress(
      console, count: inputs.files.count, seconds: BatchProgress.clock())
    let current = interruptions.current
    var line = Line(
      inputs.files, abreast: abreast, progress: progress, isOpen: { current() == nil },
      compute: compute)
    defer { line.end() }
    var partly: [String] = []
    while line.done < inputs.files.count {
      if interruptions.current() == nil { line.fill() }
      guard let (input, running) = line.first else { break }
      let ending = running.wait(until: interruptions.current)
      line.removeFirst()
      // Who is next computes while this one is finished.
      if abreast > 1, interruptions.current() == nil, console.outputError == nil { line.fill() }
      do {
        switch ending {
        case .done(let value): try finish(input, value)
        case .failed(let error): throw error
        case .overdue(let error, let kept):
          if let kept {
            try finish(input, kept)
            isPartlyDone = true
          }
          throw error
        case .interrupted(_, let kept):
          line.cancel()
          if let kept {
            try finish(input, kept)
            partly.append(input)
          }
          line.leave()
        }
      } catch {
        failures += 1
        report(error, of: input)
      }
      // Nobody would see the results.
      if console.outputError != nil {
        line.cancel()
        return .failed
      }
    }
    if let interruption = interruptions.current(), line.isIncomplete {
      return stopped(
        interruption, done: line.finished, of: inputs.files.count, partly: partly)
    }
    console.endProgress()
    if failures == 0 { return .done }
    return failures == inputs.files.count + inputs.failures.count && !isPartlyDone
      ? .failed : .someInputsFailed
  }

  private func report(_ error: any Error, of input: String) {
    console.endProgress()
    console.report("prism: \(Console.line("\(error)", about: input))")
  }

  private func stopped(
    _ interruption: Interruption, done: Int, of count: Int, partly inputs: [String]
  ) -> Status {
    console.endProgress()
    var text = "prism: interrupted; the results of \(done) of \(count) "
    text += count == 1 ? "input are written" : "inputs are written"
    if !inputs.isEmpty {
      text += ", and of \(inputs.joined(separator: ", ")) those of the methods that were finished"
    }
    console.report(text)
    return interruption.status
  }
}

/// The inputs that are worked on, in their order.
private struct Line<Value: Sendable> {
  private let files: [String]
  private let abreast: Int
  private let progress: BatchProgress
  // Whether more may begin.
  private let isOpen: @Sendable () -> Bool
  private let compute: @Sendable (String, String?, Running<Value>) throws -> Value
  // Those of the line that compute are as many as there are threads, in the order of the line: one
  // that is finished before the first waits for it, and its thread goes on with another.
  private let threads: WorkThreads
  private var running: [Running<Value>] = []
  /// How many have left the line.
  private(set) var done = 0
  /// Those among them that were given up.
  private var left = 0

  init(
    _ files: [String], abreast: Int, progress: BatchProgress,
    isOpen: @escaping @Sendable () -> Bool,
    compute: @escaping @Sendable (String, String?, Running<Value>) throws -> Value
  ) {
    self.files = files
    self.abreast = abreast
    self.progress = progress
    self.isOpen = isOpen
    self.compute = compute
    threads = abreast == 1 ? .shared : WorkThreads(limit: abreast)
  }

  /// How many may be in the line, finished ones among them.
  private var length: Int { isAlone ? 1 : 2 * abreast }

  /// Whether inputs are worked on one by one.
  private var isAlone: Bool { abreast == 1 }

  /// The one that is waited for.
  var first: (input: String, running: Running<Value>)? { running.first.map { (files[done], $0) } }

  /// How many were worked on to their end.
  var finished: Int { done - left }

  /// Whether some were not.
  var isIncomplete: Bool { finished < files.count }

  /// Begins as many as may be in the line.
  mutating func fill() {
    while running.count < length, done + running.count < files.count {
      let index = done + running.count
      let input = files[index]
      // Those that are worked on at a time read their files themselves.
      let following = isAlone && index + 1 < files.count ? files[index + 1] : nil
      let (progress, isOpen, compute, isAlone) = (progress, isOpen, compute, isAlone)
      progress.begin(input, at: index)
      let next = Running<Value>(
        progress: { progress.note($0, at: index) },
        stages: { progress.begin($0.name, $0.number, of: $0.count, at: index) })
      next.begin(on: threads) { running in
        guard !isAlone else { return try compute(input, following, running) }
        // Nothing begins after an interruption, nor after others were given up.
        guard isOpen() else { throw CancellationError() }
        try running.work.check()
        running.started()
        return try Threads.beside { try compute(input, following, running) }
      }
      running.append(next)
    }
  }

  /// Takes out the one that was waited for.
  mutating func removeFirst() {
    running.removeFirst()
    progress.end(at: done)
    done += 1
  }

  /// Counts the one that was taken out as given up.
  mutating func leave() { left += 1 }

  /// Gives all up.
  func cancel() { for running in running { running.cancel() } }

  /// Ends the threads that are the line's own.
  func end() { if !isAlone { threads.retire() } }
}
