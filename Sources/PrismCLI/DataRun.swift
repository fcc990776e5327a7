internal import Prism
internal import PrismReport

extension JudgeRun {
  /// Works on all inputs, with a line of progress, until somebody wants it to end.
  ///
  /// - Parameter console: Where it is told.
  /// - Returns: How it ended, and what is known of every input that could be read.
  func overInputs(_ console: Console) -> (Status, [(path: String, findings: Findings)]) {
    if known > 0 {
      console.report("prism: \(known) of \(inputs.count) inputs are in the journal already")
    }
    var findings: [(path: String, findings: Findings)] = []
    var hasFailures = false
    let list = InputList(
      inputs, kind: model.card.input.audio == nil ? .pictures : .sounds, isRecursive: false)
    let status = Batch(console).forEach(list) { path, _, running -> Findings in
      try self.judge(
        path, work: running.work, stage: { running.stage($0, $1, of: $2) },
        keep: { running.keep($0) })
    } finish: { path, found in
      findings.append((path, found))
      for failure in found.failures {
        hasFailures = true
        console.report("prism: \(path): \(failure.line)")
      }
    }
    return (status == .done && hasFailures ? .someInputsFailed : status, findings)
  }

  /// The inputs of which nothing is known, as reports name them.
  func unread(
    besides findings: [(path: String, findings: Findings)]
  ) -> [(path: String, reason: String)] {
    let known = Set(findings.map(\.path))
    return inputs.filter { !known.contains($0) }.map { ($0, "it cannot be read") }
  }
}
