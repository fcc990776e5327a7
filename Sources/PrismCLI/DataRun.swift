internal import Prism
internal import PrismReport
internal import Synchronization

/// What became of a run over data.
struct DataRun {
  /// How it ended.
  let status: Status
  /// What is known of every input that could be read.
  let findings: [(path: String, findings: JudgeRun.Findings)]
  /// The inputs that could not be read, and why.
  let unread: [(path: String, reason: String)]

  /// Whether somebody wanted it to end before it was done.
  var isInterrupted: Bool { status == .interrupted || status == .terminated }

  /// Works on all inputs, with a line of progress, until somebody wants it to end.
  ///
  /// - Parameters:
  ///   - run: What is done with each.
  ///   - console: Where it is told.
  init(_ run: JudgeRun, _ console: Console) {
    if run.known > 0 {
      console.report("prism: \(run.known) of \(run.inputs.count) inputs are in the journal already")
    }
    var findings: [(path: String, findings: JudgeRun.Findings)] = []
    var hasFailures = false
    let reasons = Reasons()
    let list = InputList(
      run.inputs, kind: run.model.card.input.audio == nil ? .pictures : .sounds,
      isRecursive: false)
    let status = Batch(console).forEach(list) { path, _, running -> JudgeRun.Findings in
      do {
        return try run.judge(
          path, work: running.work, stage: { running.stage($0, $1, of: $2) },
          keep: { running.keep($0) })
      } catch {
        reasons.all.withLock { $0[path] = "\(error)" }
        throw error
      }
    } finish: { path, found in
      findings.append((path, found))
      for failure in found.failures {
        hasFailures = true
        console.report("prism: \(path): \(failure.line)")
      }
    }
    self.findings = findings
    self.status = status == .done && hasFailures ? .someInputsFailed : status
    let known = Set(findings.map(\.path))
    let told = reasons.all.withLock { $0 }
    unread = run.inputs.filter { !known.contains($0) }.map { ($0, told[$0] ?? "it took too long") }
    if isInterrupted { console.report("prism: the same command goes on from there") }
  }

  /// Writes what a report makes of a run that came to its end, and tells what it says.
  ///
  /// Nothing is made of a run that was interrupted: what is missing is computed by the next run, and
  /// half a ranking would mislead.
  ///
  /// - Parameters:
  ///   - folder: Receives the files.
  ///   - printsDocument: Whether the document is printed instead of a summary.
  ///   - console: Where it is told.
  ///   - report: Makes the report, with a line of progress.
  /// - Returns: How the process ends.
  /// - Throws: What the report throws; what the folder cannot be written for.
  func finish(
    in folder: OutputFolder, printsDocument: Bool, _ console: Console,
    report: (DataRun) throws -> any DataReport
  ) throws -> Status {
    guard !isInterrupted else { return status }
    guard !findings.isEmpty else { return .failed }
    let report = try report(self)
    console.endProgress()
    let files = try report.files()
    try folder.write(files)
    guard !printsDocument else {
      console.print(report.document)
      return status
    }
    for line in report.lines { console.print(line) }
    console.print("  " + files.map { folder.path(of: $0.name) }.joined(separator: ", "))
    return status
  }

  /// Why inputs could not be read, told by the threads that tried.
  private final class Reasons: Sendable {
    let all = Mutex<[String: String]>([:])
  }
}
