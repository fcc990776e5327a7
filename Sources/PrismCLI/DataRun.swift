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

  /// Why inputs could not be read, told by the threads that tried.
  private final class Reasons: Sendable {
    let all = Mutex<[String: String]>([:])
  }
}
